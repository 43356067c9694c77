/**
 * The control plane's process: `node control-plane.js <config.json>`. Starts the API server, then the controllers,
 * prints `{"ready":true}` on stdout once the API serves, and stops on SIGTERM or SIGINT.
 */
import { readFileSync } from 'node:fs'
import { startApiServer } from './apiserver/server.ts'
import type { ApiServerConfig } from './apiserver/server.ts'
import type { ResourceDefinition } from './apiserver/resource-definition.ts'
import type { SchemaDocument } from './apiserver/schema.ts'
import type { ControlPlanePrograms } from './envtest/programs.ts'

/** The configuration file; see the fields of ApiServerConfig. */
interface ControlPlaneConfig {
  readonly listen: { readonly host: string; readonly port: number }
  readonly socket: string
  readonly adminSocket: string
  readonly pkiDir: string
  readonly tokensFile: string
  readonly serviceCidr: string
  readonly podCidr: string
  readonly clusterDomain: string
  readonly nodePortRange: readonly [number, number]
  readonly masterAddress: string
  /** Run these instead of the embedded API server. */
  readonly programs?: ControlPlanePrograms
}

/** What `controllers/index.ts` exports. */
interface ControllersModule {
  startControllers(init: {
    readonly server: string
    readonly socketPath: string
    readonly ca: string
    readonly token: string
    readonly clusterDomain: string
    readonly podCidr: string
    readonly serviceCidr: string
    readonly apiAddress: string
    readonly apiPort: number
    readonly madeByServer: boolean
    readonly log: (line: string) => void
  }): AsyncDisposable | Promise<AsyncDisposable>
}

/** What `apiserver/resources/index.ts` exports. */
interface ResourcesModule {
  readonly definitions: readonly ResourceDefinition[]
  readonly fields: SchemaDocument
}

interface TokenEntry {
  readonly token: string
  readonly groups?: readonly string[]
}

const [configFile] = process.argv.slice(2)
if (configFile === undefined) {
  process.stderr.write('usage: node control-plane.js <config.json>\n')
  process.exit(2)
}
await run(JSON.parse(readFileSync(configFile, 'utf8')) as ControlPlaneConfig)

async function run(config: ControlPlaneConfig): Promise<void> {
  // why: the controllers load while the API server makes its keys
  const controllersLoading = loadControllers()
  const server = await (config.programs === undefined
    ? embedded(config)
    : real(config, config.programs))
  process.stdout.write('{"ready":true}\n')
  const controllers = await (
    await controllersLoading
  )?.startControllers({
    server: 'https://localhost',
    socketPath: config.socket,
    ca: server.ca,
    token: adminToken(config.tokensFile),
    clusterDomain: config.clusterDomain,
    podCidr: config.podCidr,
    serviceCidr: config.serviceCidr,
    apiAddress: config.masterAddress,
    apiPort: config.listen.port,
    madeByServer: config.programs !== undefined,
    log,
  })
  const stop = () => {
    void (async () => {
      await controllers?.[Symbol.asyncDispose]()
      await server.close()
      process.exit(0)
    })()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

interface Server {
  readonly ca: string
  close(): Promise<void>
}

async function embedded(config: ControlPlaneConfig): Promise<Server> {
  const { definitions, schema } = await loadResources()
  return startApiServer({ ...config, definitions, schema, log } satisfies ApiServerConfig)
}

/** The real one is loaded only where it is asked for: it costs the others nothing at their start. */
async function real(config: ControlPlaneConfig, programs: ControlPlanePrograms): Promise<Server> {
  const { startRealApiServer } = await import('./envtest/server.ts')
  return startRealApiServer({
    ...config,
    programs,
    log,
    onExit: (message) => {
      log(message)
      process.exit(1)
    },
  })
}

function log(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`)
}

function adminToken(tokensFile: string): string {
  const entries = JSON.parse(readFileSync(tokensFile, 'utf8')) as readonly TokenEntry[]
  const admin = entries.find((entry) => entry.groups?.includes('system:masters') === true)
  if (admin === undefined) {
    throw new Error(`${tokensFile}: no token of group system:masters, which the controllers need`)
  }
  return admin.token
}

async function loadControllers(): Promise<ControllersModule | undefined> {
  return await optionalImport<ControllersModule>('./controllers/index.js', 'controllers')
}

async function loadResources(): Promise<{
  readonly definitions: readonly ResourceDefinition[]
  readonly schema: SchemaDocument
}> {
  const resources = await optionalImport<ResourcesModule>(
    './apiserver/resources/index.js',
    'resource definitions',
  )
  return {
    definitions: resources?.definitions ?? [],
    schema: resources?.fields ?? { kinds: {}, types: {} },
  }
}

/** Parts of the control plane that other files bring; without them it runs as far as it can. */
async function optionalImport<T>(path: string, what: string): Promise<T | undefined> {
  try {
    return (await import(path)) as T
  } catch (error) {
    const isAbsent =
      error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!isAbsent) throw error
    log(`no ${what}: ${error.message}`)
    return undefined
  }
}
