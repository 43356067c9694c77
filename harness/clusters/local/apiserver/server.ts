import { serviceAccountTokens } from './auth/service-account-tokens.ts'
import { readTokens } from './auth/tokens.ts'
import { reviewDefinitions, reviewSchema } from './auth/reviews.ts'
import { customResourceDefinitions } from './crd/definition.ts'
import { serveCustomResources } from './crd/serve.ts'
import { Discovery } from './discovery/serve.ts'
import { defaultTuning } from './environment.ts'
import type { ApiEnvironment, Tuning } from './environment.ts'
import { openAdminDoor } from './faults/admin-door.ts'
import { FaultBoard } from './faults/fault-board.ts'
import { Listener } from './http/listener.ts'
import type { ServerParts } from './http/request-context.ts'
import { OpenApi } from './openapi/serve.ts'
import { serverNames } from './server-names.ts'
import { loadPki } from './pki/pki.ts'
import type { Pki } from './pki/pki.ts'
import { Registry, apiVersionOf } from './registry.ts'
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
  /** Path of the unix socket of the fault door (plain HTTP, see faults/admin-door.ts). */
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
  /** The clock; the system's when absent. */
  readonly now?: () => Date
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
  const log = config.log ?? (() => undefined)
  const pki = loadPki({ directory: config.pkiDir, names: serverNames(config) })
  const environment = makeEnvironment(config)
  const faults = new FaultBoard({
    refuse: async (isRefusing) => {
      if (isRefusing) await tcp?.close()
      else await tcp?.open()
    },
    compact: () => {
      environment.store.compact()
    },
  })
  const parts = makeParts(config, environment, pki, faults)
  const { registry } = environment
  const host = config.masterAddress ?? '127.0.0.1'
  const routes = {
    parts,
    discovery: new Discovery(registry, `${host}:${config.listen?.port ?? 0}`),
    openApi: new OpenApi(registry),
  }
  const shared = { routes, key: pki.serverKey, certificate: pki.serverCertificate, log }
  const tcp =
    config.listen === undefined
      ? undefined
      : new Listener({ ...shared, side: 'tcp' }, config.listen)
  const socket =
    config.socket === undefined
      ? undefined
      : new Listener({ ...shared, side: 'socket' }, { path: config.socket })
  const [, , door] = await Promise.all([
    tcp?.open(),
    socket?.open(),
    config.adminSocket === undefined ? undefined : openAdminDoor(config.adminSocket, faults),
  ])
  const close = async () => {
    door?.close()
    door?.closeAllConnections()
    await Promise.all([tcp?.close(), socket?.close()])
  }
  return { port: tcp?.port ?? 0, ca: pki.ca, close, [Symbol.asyncDispose]: close }
}

function makeEnvironment(config: ApiServerConfig): ApiEnvironment {
  const tuning = { ...defaultTuning, ...config.tuning }
  const store = new Store(tuning.eventWindow)
  const registry = new Registry(store)
  const { kinds = {}, types = {} } = config.schema ?? {}
  const schema = parseSchema({
    kinds: { ...reviewSchema.kinds, ...kinds },
    types: { ...reviewSchema.types, ...types },
  })
  for (const definition of [...config.definitions, ...reviewDefinitions]) {
    registry.add(definition, schema.typeOf(apiVersionOf(definition), definition.kind))
  }
  const strategy: StrategyContext = {
    serviceCidr: config.serviceCidr,
    clusterDomain: config.clusterDomain,
    nodePortRange: config.nodePortRange,
    list: (kind) => registry.findKind(kind)?.storage.values() ?? [],
    now: config.now ?? (() => new Date()),
  }
  const environment = { store, registry, schema, strategy, tuning }
  serveCustomResources(environment, registry.add(customResourceDefinitions, undefined))
  return environment
}

function makeParts(
  config: ApiServerConfig,
  environment: ApiEnvironment,
  pki: Pki,
  faults: FaultBoard,
): ServerParts {
  return {
    environment,
    faults,
    tokens: readTokens(config.tokensFile),
    serviceAccountTokens: serviceAccountTokens({
      key: pki.serviceAccountKey,
      issuer: `https://kubernetes.default.svc.${config.clusterDomain}`,
      now: environment.strategy.now,
      exists(kind, namespace, name, uid) {
        const found = environment.registry
          .findKind(kind, '')
          ?.storage.get(storageKey(namespace, name))
        return found?.metadata.uid === uid
      },
    }),
  }
}
