import { UsageError, type Problem } from '../../model/errors.ts'
import type { Topology } from '../../model/topology.ts'
import { firstHost, formatAddress, parseCidr } from './topology.ts'

/** Says that something is wrong: where, and `got ..., want ...`. */
type Report = (subject: string, message: string) => void

type Fields = Readonly<Record<string, unknown>>

const lanKeys = ['name', 'cidr', 'mtu', 'link', 'uplink']
const nodeKeys = ['name', 'lan', 'role', 'labels', 'taints', 'link']
const clusterKeys = [
  'lans',
  'nodes',
  'clusterDomain',
  'podCidr',
  'serviceCidr',
  'clusterDns',
  'ipv6',
  'upstreamDns',
  'longestRestartPauseMs',
  'kubeProxy',
]
const linkKeys = ['rateMbit', 'delayMs', 'lossRatio']
const taintKeys = ['key', 'value', 'effect']
const roles = ['master', 'edge', 'worker']
const uplinks = ['open', 'nat']
const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** Names that the kernel has given away already in every network namespace. */
const reservedNames = ['lo', 'all', 'default']

/** RFC 1123, as Kubernetes wants it of a node's name. */
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Takes a topology from outside.
 * @throws UsageError with everything that is wrong with it, at once
 */
export function validateTopology(value: unknown): Topology {
  const problems: Problem[] = []
  const report: Report = (subject, message) => problems.push({ subject, message })
  const top = fields(value, 'topology', clusterKeys, report)
  const lans = items(top['lans'], 'lans', lanKeys, report)
  const nodes = items(top['nodes'], 'nodes', nodeKeys, report)
  lans.forEach((lan, index) => {
    checkLan(lan, `lans[${index}]`, report)
  })
  nodes.forEach((node, index) => {
    checkNode(node, `nodes[${index}]`, lans, report)
  })
  checkUnique(lans, 'lans', report)
  checkUnique(nodes, 'nodes', report)
  const masters = nodes.filter(({ role }) => role === 'master').length
  if (masters !== 1) report('nodes', `got ${masters} nodes with role master, want 1`)
  checkAddresses(top, lans, nodes, report)
  checkUpstreamDns(top['upstreamDns'], nodes, report)
  const pause = top['longestRestartPauseMs']
  if (pause !== undefined && !isBetween(pause, 1, 300_000))
    report('longestRestartPauseMs', `got ${shown(pause)}, want 1 to 300000`)
  if (top['kubeProxy'] !== undefined)
    report(
      'kubeProxy',
      `got ${shown(top['kubeProxy'])}, provider local has none beside a target; use --provider kind`,
    )
  if (top['ipv6'] !== undefined)
    report('ipv6', `got ${shown(top['ipv6'])}, provider local has IPv4 alone; use --provider kind`)
  if (typeof top['clusterDomain'] !== 'string' || !isDomain(top['clusterDomain']))
    report(
      'clusterDomain',
      `got ${shown(top['clusterDomain'])}, want a DNS name like cluster.local`,
    )
  if (problems.length > 0)
    throw new UsageError(`the topology has ${problems.length} problem(s)`, problems)
  return value as Topology
}

function checkLan(lan: Fields, at: string, report: Report): void {
  const { name, mtu, uplink } = lan
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,9}$/.test(name))
    report(`${at}.name`, `got ${shown(name)}, want 1 to 10 of a-z, 0-9 and -, a letter first`)
  else if (reservedNames.includes(name))
    report(`${at}.name`, `got "${name}", want none of ${reservedNames.join(', ')}`)
  if (mtu !== undefined && !(Number.isInteger(mtu) && isBetween(mtu, 1280, 9000)))
    report(`${at}.mtu`, `got ${shown(mtu)}, want 1280 to 9000`)
  oneOf(uplink, `${at}.uplink`, uplinks, report)
  checkLink(lan['link'], `${at}.link`, report)
}

function checkNode(node: Fields, at: string, lans: readonly Fields[], report: Report): void {
  const { name, lan, role, labels, taints } = node
  if (typeof name !== 'string' || !label.test(name))
    report(`${at}.name`, `got ${shown(name)}, want an RFC 1123 label: a-z, 0-9 and -`)
  oneOf(
    lan,
    `${at}.lan`,
    lans.map((one) => String(one['name'])),
    report,
  )
  oneOf(role, `${at}.role`, roles, report)
  if (labels !== undefined)
    for (const [key, text] of Object.entries(fields(labels, `${at}.labels`, undefined, report)))
      if (typeof text !== 'string')
        report(`${at}.labels.${key}`, `got ${shown(text)}, want a string`)
  if (taints !== undefined)
    items(taints, `${at}.taints`, taintKeys, report).forEach((taint, index) => {
      const { key, effect } = taint
      if (typeof key !== 'string' || key === '')
        report(`${at}.taints[${index}].key`, `got ${shown(key)}, want a string`)
      oneOf(effect, `${at}.taints[${index}].effect`, effects, report)
    })
  checkLink(node['link'], `${at}.link`, report)
}

function checkLink(value: unknown, at: string, report: Report): void {
  if (value === undefined) return
  const { rateMbit, delayMs, lossRatio } = fields(value, at, linkKeys, report)
  if (rateMbit !== undefined && !isBetween(rateMbit, Number.MIN_VALUE, 1e6))
    report(`${at}.rateMbit`, `got ${shown(rateMbit)}, want more than 0, at most 1000000`)
  if (delayMs !== undefined && !isBetween(delayMs, 0, 60_000))
    report(`${at}.delayMs`, `got ${shown(delayMs)}, want 0 to 60000`)
  if (lossRatio !== undefined && !isBetween(lossRatio, 0, 1))
    report(`${at}.lossRatio`, `got ${shown(lossRatio)}, want 0 to 1`)
}

interface Network {
  readonly at: string
  readonly cidr: string
  readonly base: number
  readonly size: number
}

/** Networks must be networks, large enough, and apart from each other. */
function checkAddresses(
  top: Fields,
  lans: readonly Fields[],
  nodes: readonly Fields[],
  report: Report,
): void {
  const found = [
    ...lans.map((lan, index) => network(lan['cidr'], `lans[${index}].cidr`, 28, report)),
    network(top['podCidr'], 'podCidr', 24, report),
    network(top['serviceCidr'], 'serviceCidr', 28, report),
  ]
  lans.forEach(({ name }, index) => {
    const room = (found[index]?.size ?? Infinity) - firstHost - 1
    const count = nodes.filter(({ lan }) => lan === name).length
    if (count > room)
      report(`lans[${index}].cidr`, `got room for ${room} nodes, want room for ${count}`)
  })
  const pods = found[lans.length]
  if (pods !== undefined && nodes.length > pods.size / 256)
    report('podCidr', `got ${pods.cidr} for ${nodes.length} nodes, want a /24 for each`)
  const known = found.filter((one) => one !== undefined)
  known.forEach((one, index) => {
    for (const other of known.slice(index + 1))
      if (one.base < other.base + other.size && other.base < one.base + one.size)
        report(other.at, `got ${other.cidr}, which overlaps ${one.cidr} of ${one.at}`)
  })
  const dns = top['clusterDns']
  if (typeof dns !== 'string' || parseCidr(`${dns}/32`) === undefined)
    report('clusterDns', `got ${shown(dns)}, want an IPv4 address`)
}

/** resolv.conf(5): libraries read the first three name servers. */
function checkUpstreamDns(value: unknown, nodes: readonly Fields[], report: Report): void {
  if (value === undefined) return
  if (!Array.isArray(value) || !isBetween(value.length, 1, 3)) {
    report(
      'upstreamDns',
      `got ${shown(value)}, want a list of 1 to 3 IPv4 addresses or names of nodes`,
    )
    return
  }
  value.forEach((server: unknown, index) => {
    if (nodes.some(({ name }) => name === server)) return
    if (typeof server !== 'string' || parseCidr(`${server}/32`) === undefined)
      report(`upstreamDns[${index}]`, `got ${shown(server)}, want an IPv4 address or a node's name`)
  })
}

function network(
  cidr: unknown,
  at: string,
  longestPrefix: number,
  report: Report,
): Network | undefined {
  const parsed = typeof cidr === 'string' ? parseCidr(cidr) : undefined
  if (parsed === undefined || parsed[1] > longestPrefix || parsed[1] < 8) {
    report(at, `got ${shown(cidr)}, want an IPv4 CIDR from /8 to /${longestPrefix}`)
    return undefined
  }
  const [base, prefix] = parsed
  const proper = `${formatAddress(base)}/${prefix}`
  if (cidr !== proper) report(at, `got ${shown(cidr)}, want a network: ${proper}`)
  return { at, cidr: proper, base, size: 2 ** (32 - prefix) }
}

function checkUnique(named: readonly Fields[], at: string, report: Report): void {
  const names = named.map(({ name }) => name)
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index)))
    report(at, `got ${shown(name)} twice, want every name once`)
}

function oneOf(value: unknown, at: string, allowed: readonly string[], report: Report): void {
  if (typeof value === 'string' && allowed.includes(value)) return
  report(at, `got ${shown(value)}, want one of ${allowed.join(', ')}`)
}

function items(
  value: unknown,
  at: string,
  keys: readonly string[],
  report: Report,
): readonly Fields[] {
  if (Array.isArray(value) && value.length > 0)
    return value.map((one, index) => fields(one, `${at}[${index}]`, keys, report))
  report(at, `got ${shown(value)}, want a list with at least one entry`)
  return []
}

/** The fields of an object; those that nobody knows are reported. */
function fields(
  value: unknown,
  at: string,
  known: readonly string[] | undefined,
  report: Report,
): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(at, `got ${shown(value)}, want an object`)
    return {}
  }
  for (const key of Object.keys(value))
    if (known?.includes(key) === false)
      report(`${at}.${key}`, `unknown key; want one of ${known.join(', ')}`)
  return value as Fields
}

function isBetween(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most
}

function isDomain(name: string): boolean {
  return name.length <= 200 && name.split('.').every((part) => label.test(part))
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
