import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { badRequest } from '../api-errors.ts'
import type { ResourceRequest } from '../http/request-context.ts'
import { ApiError } from '../resource-definition.ts'
import { podOnNode } from './pod-on-node.ts'
import { notHere } from './handle.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

/** exec and attach need an upgraded connection; who comes without one is told so. */
export function refuseWithoutUpgrade(): Promise<void> {
  return Promise.reject(badRequest('Upgrade request required'))
}

/**
 * Joins a client's WebSocket with that of the pod's kubelet. Nothing in between is looked at: both ends speak the
 * channel protocol (v4.channel.k8s.io, v5.channel.k8s.io).
 */
export function joinWithKubelet(
  request: Omit<ResourceRequest, 'response'>,
  client: Duplex,
  head: Buffer,
): void {
  const fail = (error: unknown) => {
    refuseUpgrade(client, error)
  }
  try {
    const { path, query } = request
    if (path.subresource !== 'exec' && path.subresource !== 'attach') {
      throw notHere(path.subresource ?? 'upgraded connections')
    }
    const { kubelet, container } = podOnNode(request)
    // why last: kubectl comes again with SPDY whatever was wrong with its WebSocket, and shows only this answer
    if (!isWebSocket(request.request)) throw spdyRefusal()
    const at = [path.namespace ?? '', path.name ?? '', container].map(encodeURIComponent).join('/')
    const upstream = httpRequest({
      host: kubelet.host,
      port: kubelet.port,
      path: `/${path.subresource}/${at}?${kubeletQuery(query).toString()}`,
      headers: {
        ...upgradeHeaders(request.request),
        host: `${kubelet.host}:${kubelet.port}`,
        authorization: `Bearer ${kubelet.token}`,
      },
      agent: false,
    })
    upstream.on('error', (error) => {
      fail(new ApiError(500, 'InternalError', `error dialing backend: ${error.message}`, {}))
    })
    upstream.on('response', (answer) => {
      const message = `the kubelet refused: ${answer.statusCode ?? 0} ${answer.statusMessage ?? ''}`
      answer.resume()
      fail(new ApiError(502, 'BadGateway', message, {}))
    })
    upstream.on('upgrade', (answer, socket, rest) => {
      const lines = [`HTTP/1.1 101 Switching Protocols`]
      for (let index = 0; index < answer.rawHeaders.length; index += 2) {
        lines.push(`${answer.rawHeaders[index] ?? ''}: ${answer.rawHeaders[index + 1] ?? ''}`)
      }
      client.write(`${lines.join('\r\n')}\r\n\r\n`)
      join(client, socket, head, rest)
    })
    upstream.end()
    client.on('error', () => upstream.destroy())
  } catch (error) {
    fail(error)
  }
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket'
}

function spdyRefusal(): ApiError {
  return new ApiError(
    400,
    'BadRequest',
    'provider local speaks WebSocket for exec and attach, not SPDY/3.1: use kubectl 1.31 or newer (or set KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true with 1.29 and 1.30)',
    {},
  )
}

function upgradeHeaders({ headers }: IncomingMessage): Record<string, string> {
  const protocols = (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '' && !protocol.startsWith('base64url.bearer.'))
  return {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': headers['sec-websocket-key'] ?? '',
    'sec-websocket-version': headers['sec-websocket-version'] ?? '13',
    ...(protocols.length > 0 && { 'sec-websocket-protocol': protocols.join(', ') }),
  }
}

/** Kubelets call the streams input, output and error. */
function kubeletQuery(query: URLSearchParams): URLSearchParams {
  const wanted = new URLSearchParams()
  const names = [
    ['stdin', 'input'],
    ['stdout', 'output'],
    ['stderr', 'error'],
    ['tty', 'tty'],
  ] as const
  for (const [from, to] of names) {
    const value = query.get(from)
    if (value === 'true' || value === '1') wanted.set(to, '1')
  }
  for (const word of query.getAll('command')) wanted.append('command', word)
  return wanted
}

function join(client: Duplex, kubelet: Duplex, head: Buffer, rest: Buffer): void {
  if (head.length > 0) kubelet.write(head)
  if (rest.length > 0) client.write(rest)
  client.pipe(kubelet)
  kubelet.pipe(client)
  const end = () => {
    client.destroy()
    kubelet.destroy()
  }
  client.on('close', end).on('error', end)
  kubelet.on('close', end).on('error', end)
}
