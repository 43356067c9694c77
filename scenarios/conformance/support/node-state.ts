import type { BareContext, BareLook, BareState, Position } from '../../../harness/api.ts'

/**
 * What of a node an agent may change, one thing a line, without what changes by itself: counters, life times, the
 * interfaces of pods and what hangs on them.
 */
export type NodeState = Readonly<Record<Section, string>>

export type Section = (typeof sections)[number]

const sections = [
  'rules',
  'devices',
  'routes',
  'resolv.conf',
  'sysctls',
  'listeners',
  'processes',
  'namespaces',
  'files',
] as const

/** Each prints one part; a program that is not there prints nothing. */
const scripts: Readonly<Record<Section, string>> = {
  rules: `nft list ruleset 2>/dev/null
for family in iptables ip6tables; do for kind in -nft-save -legacy-save; do
  command -v $family$kind >/dev/null && { echo "@ $family$kind"; $family$kind 2>/dev/null; }
done; done`,
  devices: 'ip -j addr',
  routes: 'ip route show table all; ip -6 route show table all; ip rule; ip -6 rule',
  'resolv.conf': 'cat /etc/resolv.conf',
  sysctls: "grep -rHs '' /proc/sys/net",
  listeners: "ss -Hlntu | awk '{ print $1, $5 }'",
  processes: `own=$(readlink /proc/self/ns/net)
for dir in /proc/[0-9]*; do
  [ "$(readlink "$dir/ns/net" 2>/dev/null)" = "$own" ] && cat "$dir/comm" 2>/dev/null
done`,
  namespaces: 'ls /run/netns /var/run/netns 2>/dev/null',
  files:
    'ls -d /etc/* /etc/cni/net.d/* /run/* /var/lib/* /opt/* /opt/cni/bin/* /usr/local/bin/* 2>/dev/null',
}

const separator = '@@@ next'

/** Rules of one node, one by one. @throws Error when it cannot be asked */
export async function rulesOf(context: BareContext, node: string): Promise<readonly string[]> {
  return rulesIn(await shellAt(context, { node, network: 'host' }, `${scripts.rules}; true`))
}

/** Looks at one node. @throws Error when it cannot be asked: trouble of the harness */
export async function nodeState(context: BareContext, node: string): Promise<NodeState> {
  const script = sections
    .map((section) => `(${scripts[section]}\n)`)
    .join(`; echo '${separator}'; `)
  const text = await shellAt(context, { node, network: 'host' }, `${script}; true`)
  const parts = text.split(`${separator}\n`)
  const raw = (section: Section): string => parts[sections.indexOf(section)] ?? ''
  const { podDevices, devices } = devicesOf(raw('devices'))
  const isPods = (line: string): boolean =>
    podDevices.some((name) => new RegExp(`(^|[ /])${name}([ /:]|$)`).test(line))
  const lines = (section: Section, keep: (line: string) => boolean = () => true): string =>
    [...new Set(raw(section).split('\n'))]
      .filter((line) => line.trim() !== '' && keep(line))
      .sort()
      .join('\n')
  const hasKubeProxy = context.cluster.kubeProxyConnections !== undefined
  return {
    rules: rulesIn(raw('rules'))
      .filter((line) => !ofPodPorts.test(line) && (!hasKubeProxy || !line.includes('KUBE-')))
      .join('\n'),
    devices,
    routes: lines('routes', (line) => !isPods(line) && !linkLocal.test(line)),
    'resolv.conf': raw('resolv.conf'),
    sysctls: lines('sysctls', (line) => !moving.test(line) && !ofOtherDevices.test(line)),
    listeners: lines('listeners'),
    processes: lines('processes', (line) => !ofTheLook.has(line)),
    namespaces: lines('namespaces', (line) => !line.startsWith('cni-')),
    files: lines('files'),
  }
}

/** The kernel makes these when an interface has found its link-local address to be free, a second or two after it is up. */
const linkLocal = /^((local|multicast|anycast) )?(fe80|ff00):.*proto kernel/

/** Values that the kernel changes by itself. */
const moving =
  /nf_conntrack_count|tcp_fastopen_key|netdev_rss_key|random|\/route\/(gc|flush)|stable_secret|conf\/[^:]*\/mc_forwarding/

/** What the pod network's plugin for hostPort writes for pods, and for the first of them, for ever. */
const ofPodPorts = /\bCNI-(HOSTPORT|DN)-|CNI portfwd/

/** A device brings its own values along; those of the node's usual ones count. */
const ofOtherDevices = /\/(conf|neigh)\/(?!(all|default|lo|eth0)\/)/

/** Programs that the look itself and the harness run. */
const ofTheLook = new Set([
  'sh',
  'cat',
  'readlink',
  'awk',
  'ss',
  'ls',
  'grep',
  'node',
  'MainThread',
])

interface Link {
  readonly ifname: string
  readonly link_netnsid?: number
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[]
}

/** An interface whose other end is in another network namespace belongs to a pod, but for the node's own uplink. */
function devicesOf(json: string): {
  readonly podDevices: readonly string[]
  readonly devices: string
} {
  const links = JSON.parse(json.trim() === '' ? '[]' : json) as readonly Link[]
  const isPods = ({ ifname, link_netnsid: other }: Link): boolean =>
    other !== undefined && ifname !== 'eth0'
  const own = links.filter((link) => !isPods(link))
  return {
    podDevices: links.filter(isPods).map(({ ifname }) => ifname),
    devices: own
      .flatMap(({ ifname, addr_info: addresses = [] }) => [
        ifname,
        ...addresses.map(({ local = '', prefixlen = 0 }) => `${ifname} ${local}/${prefixlen}`),
      ])
      .sort()
      .join('\n'),
  }
}

/**
 * Rules one by one, each with its table and chain. What iptables keeps in nftables is told by iptables-save alone, where
 * an empty built-in chain is nothing; a table of nftables is something even when it is empty.
 */
export function rulesIn(text: string): readonly string[] {
  const [nft = '', ...saves] = text.split(/^@ /m)
  const isSaved = (line: string): boolean => saves.length > 0 && iptablesTable.test(line)
  return [...nftLines(nft).filter((line) => !isSaved(line)), ...saves.flatMap(savedLines)].sort()
}

const iptablesTable = /^table ip6? (nat|filter|mangle|raw|security)( |$)/

function nftLines(text: string): readonly string[] {
  const lines: string[] = []
  const path: string[] = []
  for (const raw of text.split('\n')) {
    const line = raw.trim().replace(/packets \d+ bytes \d+|expires \S+/g, '')
    if (line.endsWith('{')) {
      path.push(line.slice(0, -1).trim())
      lines.push(path.join(' / '))
    } else if (line === '}') {
      path.pop()
    } else if (line !== '' && !line.startsWith('#')) lines.push([...path, line].join(' / '))
  }
  return lines
}

function savedLines(text: string): readonly string[] {
  const [program = '', ...lines] = text.split('\n')
  let table = ''
  return lines.flatMap((line) => {
    if (line.startsWith('*')) table = line
    const isRule = line.startsWith('-A') || /^:\S+ - /.test(line)
    return isRule ? [`${program} ${table} ${line.replace(/\[\d+:\d+\]/, '').trim()}`] : []
  })
}

/** Runs a shell script somewhere. @throws Error when it fails */
async function shellAt(
  context: Pick<BareContext, 'probe' | 'signal'>,
  at: Position,
  script: string,
): Promise<string> {
  const probe = await context.probe(at)
  const job = { kind: 'command', argv: ['sh', '-c', script], timeoutMs: 30_000 } as const
  const seen = await probe.run(job, context)
  if (seen.kind !== 'exited' || seen.code !== 0)
    throw new Error(`${at.node}: ${seen.kind === 'exited' ? seen.stderr : seen.kind}`)
  return seen.stdout
}

/** resolv.conf of a client in a pod of this node. */
export function podResolvConf(context: BareContext, node: string): Promise<string> {
  return shellAt(context, { node, network: 'container' }, 'cat /etc/resolv.conf')
}

/** Every node that carries pods, before the target was deployed, and resolv.conf of the client in its pod network. */
export const bareNodes: BareLook = {
  id: 'nodes',
  look: async (context) => {
    const first = await statesOf(context)
    const again = new Map(await statesOf(context))
    return Object.fromEntries(
      first.map(([node, state]) => [
        node,
        { ...state, processes: inBoth(state['processes'], again.get(node)?.['processes']) },
      ]),
    )
  },
}

/** why: a program that somebody ran for a moment before the target came is not missing when it was removed */
function inBoth(one: string = '', other: string = ''): string {
  const lines = new Set(other.split('\n'))
  return one
    .split('\n')
    .filter((line) => lines.has(line))
    .join('\n')
}

/** The state of each node, `pod` its client's resolv.conf. */
export async function statesOf(
  context: BareContext,
): Promise<readonly (readonly [string, BareState[string]])[]> {
  return Promise.all(
    context.nodes.map(async ({ name }) => {
      const [state, pod] = await Promise.all([
        nodeState(context, name),
        podResolvConf(context, name),
      ])
      return [name, { ...state, pod }] as const
    }),
  )
}

/** Lines that only one of two texts has: `+ line` came, `- line` went. */
export function lineDifference(before: string, after: string): readonly string[] {
  const left = new Map<string, number>()
  for (const line of before.split('\n')) left.set(line, (left.get(line) ?? 0) + 1)
  const came: string[] = []
  for (const line of after.split('\n')) {
    const count = left.get(line) ?? 0
    if (count > 0) left.set(line, count - 1)
    else if (line !== '') came.push(`+ ${line}`)
  }
  const went = [...left].flatMap(([line, count]) =>
    line === '' ? [] : Array.from({ length: count }, () => `- ${line}`),
  )
  return [...came, ...went]
}
