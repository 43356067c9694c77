import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { noSuchResource } from '../api-errors.ts'
import { bearerToken } from '../auth/tokens.ts'
import type { Discovery } from '../discovery/serve.ts'
import type { OpenApi } from '../openapi/serve.ts'
import { failureOf } from '../faults/fault-board.ts'
import type { Side } from '../faults/fault-board.ts'
import type { User } from '../environment.ts'
import { ApiError } from '../resource-definition.ts'
import { sendText } from './answer.ts'
import { parseResourcePath } from './request-path.ts'
import type { ResourceRequest, ServerParts } from './request-context.ts'
import { handleResource } from './resource-handler.ts'

export interface Routes {
  readonly parts: ServerParts
  readonly discovery: Discovery
  readonly openApi: OpenApi
}

/**
 * Finds what a request asks for and answers it.
 * @throws ApiError for everything that is not a success
 */
export async function route(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
  side: Side,
): Promise<void> {
  const { parts, discovery, openApi } = routes
  if (await sufferFaults(parts, request, response, side)) return
  const url = new URL(request.url ?? '/', 'https://localhost')
  if (servePublic(url, response)) return
  const user = authenticate(parts, request)
  const found = resourceAt(parts, url)
  if (found === 'no-resource') {
    if (request.method === 'GET' || request.method === 'HEAD') {
      if (discovery.serve(url.pathname, request.headers.accept, response)) return
      if (openApi.serve(url, request, response)) return
    }
    sendText(response, 404, '404 page not found\n', 'text/plain; charset=utf-8')
    return
  }
  await handleResource({
    parts,
    request,
    response,
    side,
    query: url.searchParams,
    user,
    ...found,
  })
}

/** Answers a request to upgrade its connection, as exec and attach make. */
export async function routeUpgrade(
  routes: Routes,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  side: Side,
): Promise<void> {
  const { parts } = routes
  const { joinWithKubelet } = await import('../subresources/pod-exec.ts')
  const url = new URL(request.url ?? '/', 'https://localhost')
  const user = authenticate(parts, request)
  const found = resourceAt(parts, url)
  if (found === 'no-resource') throw noSuchResource()
  joinWithKubelet({ parts, request, side, query: url.searchParams, user, ...found }, socket, head)
}

function resourceAt(
  { environment: { registry } }: ServerParts,
  url: URL,
): Pick<ResourceRequest, 'path' | 'resource'> | 'no-resource' {
  const path = parseResourcePath(url.pathname)
  if (path === undefined) return 'no-resource'
  const resource = registry.find(path.group, path.version, path.plural)
  if (resource !== undefined) return { path, resource }
  const isKnownGroup = registry
    .all()
    .some(({ definition: { group, version } }) => group === path.group && version === path.version)
  if (isKnownGroup) throw noSuchResource()
  return 'no-resource'
}

/** @returns whether a fault has answered */
async function sufferFaults(
  { faults }: ServerParts,
  request: IncomingMessage,
  response: ServerResponse,
  side: Side,
): Promise<boolean> {
  const url = request.url ?? ''
  if (faults.find('refuse', url, side) !== undefined) {
    request.socket.destroy()
    return true
  }
  const latency = faults.find('latency', url, side)
  if (latency !== undefined) await delay(latency.delayMs)
  const status = faults.find('status', url, side)
  if (status !== undefined) throw failureOf(status.status)
  if (faults.find('garbage', url, side) === undefined) return false
  sendText(response, 200, '{"kind":"\u0000\ufffd]]{garbage', 'application/json')
  return true
}

function servePublic(url: URL, response: ServerResponse): boolean {
  if (/^\/(healthz|livez|readyz)(\/|$)/.test(url.pathname)) {
    const text = url.searchParams.has('verbose') ? '[+]ping ok\nhealthz check passed\n' : 'ok'
    sendText(response, 200, text, 'text/plain; charset=utf-8')
    return true
  }
  if (url.pathname !== '/version' && url.pathname !== '/version/') return false
  sendText(response, 200, `${JSON.stringify(versionInfo, null, 2)}\n`, 'application/json')
  return true
}

const versionInfo = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0',
  gitCommit: 'meshmark',
  gitTreeState: 'clean',
  buildDate: '2025-08-27T10:09:04Z',
  goVersion: 'go1.24.6',
  compiler: 'gc',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}

function authenticate(parts: ServerParts, request: IncomingMessage): User {
  const token = bearerToken(request.headers)
  const user =
    token === undefined
      ? undefined
      : (parts.tokens.authenticate(token) ?? parts.serviceAccountTokens.authenticate(token))
  if (user === undefined) throw new ApiError(401, 'Unauthorized', 'Unauthorized')
  return user
}
