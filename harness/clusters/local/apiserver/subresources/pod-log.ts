import { request as httpRequest } from 'node:http'
import { badRequest } from '../api-errors.ts'
import { isObject, valueAt } from '../json.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import { unsupportedMethod } from '../http/resource-handler.ts'
import { ApiError } from '../resource-definition.ts'
import { podOnNode, stateOf } from './pod-on-node.ts'

/** What a kubelet is asked for as well. */
const passedOn = [
  'follow',
  'previous',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'tailLines',
  'limitBytes',
  'stream',
]

/** Streams a container's log from its kubelet. */
export async function handleLog(request: ResourceRequest): Promise<void> {
  if (request.request.method !== 'GET') throw unsupportedMethod()
  const { query, path, response } = request
  const { pod, container, kubelet } = podOnNode(request)
  const status = stateOf(pod, container)
  const waiting = valueAt(status, ['state', 'waiting'])
  const hasRun = isObject(valueAt(status, ['lastState', 'terminated']))
  if (status === undefined || (isObject(waiting) && !hasRun)) {
    const reason = isObject(waiting) ? String(waiting['reason']) : 'ContainerCreating'
    const why =
      reason.startsWith('ErrImage') || reason.startsWith('ImagePull')
        ? 'trying and failing to pull image'
        : reason
    throw badRequest(
      `container "${container}" in pod "${path.name ?? ''}" is waiting to start: ${why}`,
    )
  }
  const wanted = new URLSearchParams()
  for (const option of passedOn) {
    const value = query.get(option)
    if (value !== null) wanted.set(option, value)
  }
  const at = [path.namespace ?? '', path.name ?? '', container].map(encodeURIComponent).join('/')
  await new Promise<void>((resolve, reject) => {
    const upstream = httpRequest(
      {
        host: kubelet.host,
        port: kubelet.port,
        path: `/containerLogs/${at}?${wanted.toString()}`,
        headers: { authorization: `Bearer ${kubelet.token}` },
        agent: false,
      },
      (answer) => {
        if (answer.statusCode === 200) {
          response.writeHead(200, { 'content-type': 'text/plain' })
          // why: with follow, kubectl waits for the head of a log that has no line yet
          response.flushHeaders()
          answer.pipe(response)
          answer.on('close', resolve)
          return
        }
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => (text += chunk))
        answer.on('end', () => {
          reject(kubeletFailure(answer.statusCode ?? 500, text.trim()))
        })
      },
    )
    upstream.on('error', (error) => {
      const failure = new ApiError(
        500,
        'InternalError',
        `Get "http://${kubelet.host}:${kubelet.port}/containerLogs/${at}": ${error.message}`,
        {},
      )
      if (response.headersSent) resolve()
      else reject(failure)
    })
    response.on('close', () => {
      upstream.destroy()
      resolve()
    })
    upstream.end()
  })
}

function kubeletFailure(status: number, text: string): ApiError {
  const reason = status === 400 ? 'BadRequest' : status === 404 ? 'NotFound' : 'InternalError'
  return new ApiError(status, reason, text, {})
}
