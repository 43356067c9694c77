import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { KubeletConfig } from '../config.ts'
import type { ContainerState } from '../container/state.ts'
import type { PodWorker } from '../pod/worker.ts'
import { sendLog } from './logs.ts'

/**
 * The kubelet's own server, for the API server alone: `/containerLogs/<namespace>/<pod>/<container>`, and `/exec/...`
 * and `/attach/...` with Kubernetes' channel protocol over WebSocket. Plain HTTP in a network of the sandbox; the
 * bearer token is the kubelet's own, which the API server knows.
 */
export async function serveKubelet(
  config: KubeletConfig,
  workers: ReadonlyMap<string, PodWorker>,
): Promise<Server> {
  const server = createServer((request, response) => {
    serve(request, response, config, workers)
  })
  server.on('upgrade', (request, socket, head) => {
    void upgrade(request, socket, head, config, workers)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(config.port, config.nodeAddress, () => {
      resolve()
    })
  })
  return server
}

interface Target {
  readonly verb: string
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly query: URLSearchParams
}

function targetOf(request: IncomingMessage): Target {
  const url = new URL(request.url ?? '/', 'http://kubelet')
  const words = url.pathname.split('/').map(decodeURIComponent)
  const [, verb = '', namespace = '', pod = '', container = ''] = words
  return { verb, namespace, pod, container, query: url.searchParams }
}

function isAuthorized(request: IncomingMessage, { token }: KubeletConfig): boolean {
  return request.headers.authorization === `Bearer ${token}`
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  config: KubeletConfig,
  workers: ReadonlyMap<string, PodWorker>,
): void {
  const target = targetOf(request)
  if (target.verb === 'healthz') response.end('ok')
  else if (!isAuthorized(request, config)) response.writeHead(401).end('Unauthorized\n')
  else if (target.verb === 'pods') {
    const items = [...workers.values()].map(({ pod }) => pod)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items }))
  } else if (target.verb === 'containerLogs') {
    const state = stateOf(workers, target)
    if (state === undefined) response.writeHead(404).end(notFound(target))
    else void sendLog(state, target.pod, target.query, response)
  } else response.writeHead(404).end('404 page not found\n')
}

/** The WebSocket side is loaded when it is first needed: no start of a kubelet needs it. */
async function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  config: KubeletConfig,
  workers: ReadonlyMap<string, PodWorker>,
): Promise<void> {
  socket.on('error', () => undefined)
  const target = targetOf(request)
  if (!isAuthorized(request, config)) refuse(socket, '401 Unauthorized', 'Unauthorized')
  else if (target.verb !== 'exec' && target.verb !== 'attach')
    refuse(socket, '404 Not Found', '404 page not found')
  else {
    const { openChannels } = await import('./channels.ts')
    const { exec } = await import('./exec.ts')
    const { attach } = await import('./attach.ts')
    const state = stateOf(workers, target)
    openChannels(request, socket, head, (channels) => {
      if (state === undefined) channels.fail(notFound(target))
      else if (target.verb === 'exec') exec(channels, state, target.query)
      else attach(channels, state)
    })
  }
}

function refuse(socket: Duplex, status: string, text: string): void {
  const length = Buffer.byteLength(text)
  socket.end(`HTTP/1.1 ${status}\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${text}`)
}

/** The newest pod of that name: a dead one of the same name may still be going. */
function stateOf(
  workers: ReadonlyMap<string, PodWorker>,
  { namespace, pod, container }: Target,
): ContainerState | undefined {
  const found = [...workers.values()].findLast(
    ({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === pod,
  )
  return found?.states.find(({ spec }) => spec.name === container)
}

function notFound({ namespace, pod, container }: Target): string {
  return `container ${container} of pod ${namespace}/${pod} is not on this node\n`
}
