import { hostname } from 'node:os'
import { readFileSync } from 'node:fs'
import type { ServiceFilter } from './data-plane.ts'
import type { Server } from './dns/exchange.ts'
import { logLevels, type LogLevel } from './log.ts'
import {
  addressAndPort,
  boolean,
  domain,
  fail,
  integer,
  ipAddress,
  oneOf,
  path,
  seconds,
  servers,
  text,
  url,
  type Parser,
} from './config-values.ts'

export interface Config {
  readonly nodeName: string
  readonly kubeconfig: string | undefined
  readonly server: string | undefined
  readonly clusterDomain: string
  readonly dnsAddress: string
  readonly dnsPort: number
  readonly manageAddress: boolean
  readonly dnsTtl: number
  readonly dnsNegativeTtl: number
  readonly upstream: readonly Server[] | undefined
  readonly nodeResolvConf: string | undefined
  readonly stateDir: string | undefined
  readonly adminAddress: Server
  readonly serviceFilter: ServiceFilter
  readonly proxyMode: 'nftables' | 'userspace' | 'off'
  readonly drainTimeout: number
  readonly cleanupOnExit: 'auto' | 'always' | 'never'
  readonly owner: { readonly namespace: string; readonly name: string } | undefined
  readonly emptyListConfirm: number
  readonly watchTimeout: number
  readonly logLevel: LogLevel
}

/** One thing wrong with the configuration: where it was set, the value, the rule. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

interface Option<T> {
  readonly parse: Parser<T>
  readonly fallback: T
  /** Placeholder of the value in the help text. */
  readonly value: string
  readonly help: string
  /** Another variable that sets it, known from elsewhere. */
  readonly env?: string
}

type Options = { readonly [K in keyof Config]: Option<Config[K]> }

const options: Options = {
  nodeName: {
    parse: text,
    fallback: hostname().toLowerCase(),
    value: 'NAME',
    help: "this node's name in the API (default: the host name)",
    env: 'NODE_NAME',
  },
  kubeconfig: {
    parse: path,
    fallback: undefined,
    value: 'FILE',
    help: "credentials for the API (default: the pod's ServiceAccount)",
    env: 'KUBECONFIG',
  },
  server: {
    parse: url,
    fallback: undefined,
    value: 'URL',
    help: 'where the API is, for nodes that cannot reach its ClusterIP before this agent runs',
    env: 'KUBE_API_SERVER',
  },
  clusterDomain: {
    parse: domain,
    fallback: 'cluster.local',
    value: 'NAME',
    help: 'DNS zone of the Services',
    env: 'CLUSTER_DOMAIN',
  },
  dnsAddress: {
    parse: ipAddress,
    fallback: '169.254.96.16',
    value: 'IP',
    help: 'where the name server answers; set the same as clusterDNS of the kubelets',
  },
  dnsPort: {
    parse: integer(1, 65_535),
    fallback: 53,
    value: 'PORT',
    help: 'its port, UDP and TCP',
  },
  manageAddress: {
    parse: boolean,
    fallback: true,
    value: 'true|false',
    help: 'put --dns-address on the loopback device while no device has it',
  },
  dnsTtl: {
    parse: integer(0, 3600),
    fallback: 5,
    value: 'SECONDS',
    help: "TTL of the zone's records",
  },
  dnsNegativeTtl: {
    parse: integer(0, 3600),
    fallback: 5,
    value: 'SECONDS',
    help: 'how long clients may remember that a name does not exist',
  },
  upstream: {
    parse: servers,
    fallback: undefined,
    value: 'IP[:PORT],...',
    help: "name servers for all other names (default: those of the node's resolv.conf)",
  },
  nodeResolvConf: {
    parse: path,
    fallback: undefined,
    value: 'FILE',
    help: "the node's resolv.conf: --dns-address is put first while the agent runs",
  },
  stateDir: {
    parse: path,
    fallback: undefined,
    value: 'DIR',
    help: 'keeps the last known state of the cluster, for a start while the API is away',
  },
  adminAddress: {
    parse: addressAndPort,
    fallback: { address: '127.0.0.1', port: 10_354 },
    value: 'IP:PORT',
    help: '/healthz /readyz /metrics /version',
  },
  serviceFilter: {
    parse: oneOf('labelled', 'unlabelled'),
    fallback: 'labelled',
    value: 'labelled|unlabelled',
    help: 'leave to others the Services with the label service.edgemesh.kubeedge.io/service-proxy-name, or all without it',
  },
  proxyMode: {
    parse: oneOf('nftables', 'userspace', 'off'),
    fallback: 'nftables',
    value: 'nftables|userspace|off',
    help: 'userspace: for hosts without nftables; off: names only, somebody else forwards the traffic',
  },
  drainTimeout: {
    parse: seconds(0, 3600),
    fallback: 20,
    value: 'SECONDS',
    help: 'how long requests under way may take after SIGTERM; below terminationGracePeriodSeconds',
  },
  cleanupOnExit: {
    parse: oneOf('auto', 'always', 'never'),
    fallback: 'auto',
    value: 'auto|always|never',
    help: 'take rules and address off the node on SIGTERM; auto: when --owner is deleted',
  },
  owner: {
    parse: ownerOf,
    fallback: undefined,
    value: 'NAMESPACE/NAME',
    help: 'the DaemonSet that this agent belongs to',
  },
  emptyListConfirm: {
    parse: seconds(0, 3600),
    fallback: 60,
    value: 'SECONDS',
    help: 'an empty list in place of a filled one is believed when a second, this much later, is empty too',
  },
  watchTimeout: {
    parse: seconds(2, 3600),
    fallback: 22,
    value: 'SECONDS',
    help: 'length of one watch; a watch that is silent 4 s longer is taken for dead',
  },
  logLevel: {
    parse: oneOf(...logLevels),
    fallback: 'info',
    value: logLevels.join('|'),
    help: 'lowest level that is logged, as JSON lines on stderr',
  },
}

/** What the command line asks for. */
export type Invocation =
  | { readonly kind: 'run' | 'cleanup'; readonly config: Config }
  | { readonly kind: 'help' | 'version' }

/**
 * Flags come before environment variables, those before the file of `--config`.
 * @throws ConfigError with every problem found
 */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): Invocation {
  const problems: string[] = []
  const { flags, words } = readFlags(args, problems)
  if (flags.has('help')) return { kind: 'help' }
  if (flags.has('version')) return { kind: 'version' }
  const [command, ...rest] = words
  for (const word of command === undefined || command === 'cleanup' ? rest : words)
    problems.push(`unexpected argument ${JSON.stringify(word)}; the only command is "cleanup"`)
  const file = readFile(flags.get('config') ?? env['MESHMARK_CONFIG'], problems)
  const values = Object.entries(options).map(([key, option]: [string, Option<unknown>]) => {
    const found = sources(key, option, flags, env, file).find(({ raw }) => raw !== undefined)
    if (found?.raw === undefined) return [key, option.fallback]
    const parsed = option.parse(found.raw)
    if (parsed.ok) return [key, parsed.value]
    problems.push(`${found.name}: got ${JSON.stringify(found.raw)}, want ${parsed.want}`)
    return [key, option.fallback]
  })
  if (problems.length > 0) throw new ConfigError(problems)
  const config = Object.fromEntries(values) as unknown as Config
  return { kind: command === 'cleanup' ? 'cleanup' : 'run', config }
}

interface Source {
  readonly name: string
  readonly raw: string | undefined
}

function sources(
  key: string,
  { env: alias }: Option<unknown>,
  flags: ReadonlyMap<string, string>,
  env: NodeJS.ProcessEnv,
  file: ReadonlyMap<string, string>,
): readonly Source[] {
  const flag = flagOf(key)
  const variable = `MESHMARK_${flag.replaceAll('-', '_').toUpperCase()}`
  // why: an empty variable is what manifests leave where they have nothing to say
  const set = (name: string): string | undefined => (env[name] === '' ? undefined : env[name])
  return [
    { name: `--${flag}`, raw: flags.get(flag) },
    { name: variable, raw: set(variable) },
    ...(alias === undefined ? [] : [{ name: alias, raw: set(alias) }]),
    { name: `${flag} in the configuration file`, raw: file.get(flag) },
  ]
}

const flagNames = new Map(Object.keys(options).map((key) => [flagOf(key), key]))

function flagOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function readFlags(
  args: readonly string[],
  problems: string[],
): { readonly flags: ReadonlyMap<string, string>; readonly words: readonly string[] } {
  const flags = new Map<string, string>()
  const words: string[] = []
  const rest = [...args]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '-h') arg = '--help'
    if (!arg.startsWith('--')) {
      words.push(arg)
      continue
    }
    const [name = '', ...assigned] = arg.slice(2).split('=')
    if (name === 'help' || name === 'version') flags.set(name, '')
    else if (name !== 'config' && !flagNames.has(name))
      problems.push(`unknown flag --${name}; --help lists them`)
    else {
      const value = assigned.length > 0 ? assigned.join('=') : rest.shift()
      if (value === undefined) problems.push(`--${name}: a value is missing`)
      else flags.set(name, value)
    }
  }
  return { flags, words }
}

/** Values of the file as text, as if they had been given as flags. */
function readFile(file: string | undefined, problems: string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  if (file === undefined || file === '') return values
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    problems.push(
      `--config: ${file} is not a readable JSON file: ${error instanceof Error ? error.message : String(error)}`,
    )
    return values
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    problems.push(`--config: ${file} must hold one JSON object`)
    return values
  }
  for (const [key, value] of Object.entries(content)) {
    if (!flagNames.has(key)) problems.push(`--config: ${file}: unknown key ${JSON.stringify(key)}`)
    else if (typeof value === 'object')
      problems.push(
        `${key} in ${file}: got ${JSON.stringify(value)}, want text, a number or true/false`,
      )
    else values.set(key, String(value))
  }
  return values
}

function ownerOf(raw: string): ReturnType<Parser<Config['owner']>> {
  const [namespace = '', name = '', ...rest] = raw.split('/')
  if (namespace === '' || name === '' || rest.length > 0) return fail('NAMESPACE/NAME')
  return { ok: true, value: { namespace, name } }
}

/** The text of `--help`. */
export function helpText(): string {
  const lines = Object.entries(options).flatMap(([key, option]: [string, Option<unknown>]) => {
    const { value, help, env, fallback } = option
    const shown = shownDefault(fallback)
    const notes = [
      ...(shown === undefined || help.includes('default:') ? [] : [`default ${shown}`]),
      ...(env === undefined ? [] : [`also ${env}`]),
    ]
    const suffix = notes.length === 0 ? '' : ` (${notes.join(', ')})`
    return [`  --${flagOf(key)} ${value}`, `      ${help}${suffix}`]
  })
  return `meshmark-reference: name resolution and traffic of Kubernetes Services for one node

usage: meshmark-reference [flags]           serve until SIGTERM
       meshmark-reference cleanup [flags]   take everything off the node that an agent left there

Every flag can be set as MESHMARK_<NAME> in the environment or as "<name>" in a JSON file.

  --config FILE
      the JSON file
${lines.join('\n')}
  --help, --version

exit codes: 0 served until told to stop, 1 could not serve, 2 bad configuration
`
}

function shownDefault(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  const { address, port } = value as Server
  return `${address}:${port}`
}
