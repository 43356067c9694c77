import type { Socket } from 'node:net'
import type { HttpJob } from '../model/probe.ts'
import { connectFirst } from './connection.ts'
import { closed, failureOf, malformed, timedOut } from './failure.ts'
import { responseReader, type HttpResponse } from './http-response.ts'
import { resolveName } from './resolve.ts'
import type { Finding } from './run.ts'

/** One request on a connection of its own, written and read byte by byte, so that nothing is repaired on the way. */
export async function observeHttp(job: HttpJob, signal: AbortSignal): Promise<Finding> {
  const url = new URL(job.url)
  const port = url.port === '' ? 80 : Number(url.port)
  let socket: Socket | undefined
  try {
    const addresses = await resolveName(url.hostname.replace(/^\[|\]$/g, ''), signal)
    socket = await connectFirst(addresses, port, signal)
    const remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? port }
    socket.write(requestText(job, url))
    const outcome = await readResponse(socket, job.method ?? 'GET')
    if ('kind' in outcome) return outcome
    const { status, headers, body } = outcome
    return {
      kind: 'http',
      status,
      headers,
      body: body.text,
      bodySha256: body.sha256,
      bodyBytes: body.sizeBytes,
      remote,
    }
  } catch (error) {
    if (signal.aborted) return timedOut(`${job.url}: no complete answer within ${job.timeoutMs} ms`)
    return failureOf(error)
  } finally {
    socket?.destroy()
  }
}

function requestText({ method = 'GET', headers = [], body }: HttpJob, url: URL): string {
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const own: [string, string][] = []
  if (!given.has('host')) own.push(['Host', url.host])
  if (!given.has('user-agent')) own.push(['User-Agent', 'meshmark-probe'])
  if (!given.has('connection')) own.push(['Connection', 'close'])
  if (body !== undefined && !given.has('content-length') && !given.has('transfer-encoding'))
    own.push(['Content-Length', String(Buffer.byteLength(body))])
  const lines = [...own, ...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines}\r\n${body ?? ''}`
}

function readResponse(socket: Socket, method: string): Promise<HttpResponse | Finding> {
  const reader = responseReader(method)
  return new Promise((resolve, reject) => {
    const settle = (): boolean => {
      const state = reader.state()
      if (state.kind === 'complete') resolve(state.response)
      if (state.kind === 'malformed') resolve(malformed(state.why))
      return state.kind !== 'reading'
    }
    const ended = (): void => {
      const state = reader.end()
      if (!settle() && state.kind === 'reading')
        resolve(closed(`the connection closed ${state.where}`))
    }
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk)
      settle()
    })
    socket.on('end', ended)
    socket.on('error', reject)
    socket.on('close', ended)
  })
}
