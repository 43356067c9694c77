import type { Socket } from 'node:net'
import type { HttpJob } from '../model/probe.ts'
import { connectFirst } from './connection.ts'
import { closed, failureOf, malformed, timedOut } from './failure.ts'
import { requestText } from './http-request.ts'
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
    socket.write(requestOf(job, url))
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

function requestOf({ method, headers = [], body }: HttpJob, url: URL): string {
  return requestText({
    method: method ?? 'GET',
    target: `${url.pathname}${url.search}`,
    authority: url.host,
    headers,
    body,
    isLast: true,
  })
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
