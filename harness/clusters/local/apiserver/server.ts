import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { KubeObject } from '../../../model/kubernetes.ts'
import { noSuchResource } from './api-errors.ts'
import { serviceAccountTokens } from './auth/service-account-tokens.ts'
import { bearerToken, readTokens } from './auth/tokens.ts'
import { Discovery } from './discovery/serve.ts'
import { defaultTuning } from './environment.ts'
import type { ApiEnvironment, Tuning, User } from './environment.ts'
import { sendFailure, sendText, toApiError } from './http/answer.ts'
import { parseResourcePath } from './http/request-path.ts'
import { handleResource } from './http/resource-handler.ts'
import type { ServerParts } from './http/request-context.ts'
import { loadPki } from './pki/pki.ts'
import { Registry, apiVersionOf } from './registry.ts'
import { ApiError } from './resource-definition.ts'
import type { ResourceDefinition, StrategyContext } from './resource-definition.ts'
import { parseSchema } from './schema.ts'
import type { SchemaDocument } from './schema.ts'
import { Store, storageKey } from './storage/store.ts'

/** What the API server needs to know. */
export interface ApiServerConfig {
  /** The TCP side; port 0 lets the system choose. Absent: only the socket. */
  readonly listen?: { readonly host: string; readonly port: number }
  /** Path of a unix socket that speaks the same TLS. */
  readonly socket?: string
  /** Path of the unix socket of the fault door (plain HTTP). */
  readonly adminSocket?: string
  /** Holds ca.crt, server.crt, server.key, sa.key; they are made when the folder is empty. */
  readonly pkiDir: string
  /** `[{"token","user","groups"}]` */
  readonly tokensFile: string
  readonly serviceCidr: string
  readonly clusterDomain: string
  readonly nodePortRange: readonly [number, number]
  /** The address at which nodes reach the TCP side; goes into the certificate. */
  readonly masterAddress?: string
  readonly definitions: readonly ResourceDefinition[]
  readonly schema?: SchemaDocument
  readonly tuning?: Partial<Tuning>
  readonly log?: (line: string) => void
}

/** A running API server. */
export interface ApiServer extends AsyncDisposable {
  /** Of the TCP side; 0 without one. */
  readonly port: number
  /** PEM of the authority that clients must trust. */
  readonly ca: string
  close(): Promise<void>
}

/**
 * Starts the API server; resolves when it serves.
 * @throws Error when it cannot listen or the token file is wrong
 */
export async function startApiServer(config: ApiServerConfig): Promise<ApiServer> {
  const pki = loadPki({ directory: config.pkiDir, names: serverNames(config) })
  const parts = assemble(config, pki.serviceAccountKey)
  const { environment } = parts
  const host = config.masterAddress ?? '127.0.0.1'
  const discovery = new Discovery(environment.registry, `${host}:${config.listen?.port ?? 0}`)

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    handle(parts, discovery, request, response).catch((error: unknown) => {
      const failure = toApiError(error)
      if (failure.code >= 500) {
        config.log?.(`${request.method ?? ''} ${request.url ?? ''}: ${stackOf(error)}`)
      }
      sendFailure(response, failure)
    })
  }
  const makeServer = (): Server => {
    const server = createServer(
      { key: pki.serverKey, cert: pki.serverCertificate, keepAlive: true },
      onRequest,
    )
    server.keepAliveTimeout = 120_000
    return server
  }
  const servers: Server[] = []
  if (config.listen !== undefined) servers.push(await listen(makeServer(), config.listen))
  if (config.socket !== undefined) servers.push(await listen(makeServer(), { path: config.socket }))

  const address = config.listen === undefined ? null : (servers[0]?.address() ?? null)
  const close = async () => {
    await Promise.all(servers.map(closeServer))
  }
  return {
    port:
      typeof address === 'object' && address !== null ? (address satisfies AddressInfo).port : 0,
    ca: pki.ca,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function assemble(
  config: ApiServerConfig,
  key: Parameters<typeof serviceAccountTokens>[0]['key'],
): ServerParts {
  const tuning = { ...defaultTuning, ...config.tuning }
  const store = new Store(tuning.eventWindow)
  const registry = new Registry(store)
  const schema = parseSchema(config.schema ?? { kinds: {}, types: {} })
  for (const definition of config.definitions) {
    registry.add(definition, schema.typeOf(apiVersionOf(definition), definition.kind))
  }
  const strategy: StrategyContext = {
    serviceCidr: config.serviceCidr,
    clusterDomain: config.clusterDomain,
    nodePortRange: config.nodePortRange,
    list: (kind): readonly KubeObject[] => registry.findKind(kind)?.storage.values() ?? [],
    now: () => new Date(),
  }
  const environment: ApiEnvironment = { store, registry, strategy, tuning }
  return {
    environment,
    tokens: readTokens(config.tokensFile),
    serviceAccountTokens: serviceAccountTokens({
      key,
      issuer: `https://kubernetes.default.svc.${config.clusterDomain}`,
      now: strategy.now,
      exists(kind, namespace, name, uid) {
        const found = registry.findKind(kind, '')?.storage.get(storageKey(namespace, name))
        return found?.metadata.uid === uid
      },
    }),
  }
}

async function handle(
  parts: ServerParts,
  discovery: Discovery,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://localhost')
  if (servePublic(url, response)) return
  const user = authenticate(parts, request)
  const path = parseResourcePath(url.pathname)
  if (path === undefined) {
    if (
      request.method === 'GET' &&
      discovery.serve(url.pathname, request.headers.accept, response)
    ) {
      return
    }
    sendText(response, 404, '404 page not found\n', 'text/plain; charset=utf-8')
    return
  }
  const { registry } = parts.environment
  const resource = registry.find(path.group, path.version, path.plural)
  if (resource === undefined) {
    const isKnownGroup = registry
      .all()
      .some(
        ({ definition: { group, version } }) => group === path.group && version === path.version,
      )
    if (isKnownGroup) throw noSuchResource()
    sendText(response, 404, '404 page not found\n', 'text/plain; charset=utf-8')
    return
  }
  await handleResource({ parts, request, response, query: url.searchParams, user, path, resource })
}

function servePublic(url: URL, response: ServerResponse): boolean {
  if (/^\/(healthz|livez|readyz)(\/|$)/.test(url.pathname)) {
    sendText(response, 200, 'ok', 'text/plain; charset=utf-8')
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

function serverNames(config: ApiServerConfig): readonly string[] {
  return [
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${config.clusterDomain}`,
    '127.0.0.1',
    firstServiceAddress(config.serviceCidr),
    ...(config.masterAddress === undefined ? [] : [config.masterAddress]),
  ]
}

/** The `kubernetes` Service has the first address of the range. */
function firstServiceAddress(cidr: string): string {
  const [network = ''] = cidr.split('/')
  const [a, b, c, d] = network.split('.').map(Number)
  return [a, b, c, (d ?? 0) + 1].join('.')
}

async function listen(
  server: Server,
  at: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return server
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
