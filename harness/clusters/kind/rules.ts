import type { Fault } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'

/** Commands for a node's network namespace: one list breaks or closes, the other one undoes it. */
export interface Rules {
  readonly apply: readonly (readonly string[])[]
  readonly undo: readonly (readonly string[])[]
}

/** The node's own interface in kind's Docker network. */
const wayOut = 'eth0'

/** `isClosed` ends with 0 where the rules are in force. */
export interface WayOutRules extends Rules {
  readonly isClosed: readonly string[]
}

export interface ClusterNetworks {
  /** The Docker network of the nodes, CIDR. */
  readonly nodes: string
  readonly pods: string
  /** Of which family the CIDRs are; 4 when absent. */
  readonly family?: 4 | 6
}

/** What differs between the families: the program, the networks that are nobody's way out, the answer. */
const families = {
  4: { program: 'iptables', always: ['224.0.0.0/4'], reject: 'icmp-admin-prohibited' },
  // why: link-local addresses carry neighbour discovery (RFC 4861)
  6: { program: 'ip6tables', always: ['ff00::/8', 'fe80::/10'], reject: 'icmp6-adm-prohibited' },
} as const

/**
 * Nothing leaves the cluster's own networks: a data plane that lost its rules would send ClusterIP traffic out by the
 * default route, and a benchmark's load to strangers. What is rejected fails at once, as an ICMP error says.
 *
 * The rejection comes last of all filters, so that what a data plane itself says to a connection (kube-proxy refuses one
 * to a Service without endpoints there) is heard; behind it, where nobody's ACCEPT counts any more, the rest is dropped.
 */
export function closedWayOut({ nodes, pods, family = 4 }: ClusterNetworks): WayOutRules {
  const { program, always, reject } = families[family]
  const chain = 'MESHMARK-WAY-OUT'
  const own = [nodes, pods, ...always]
  const end = {
    filter: ['REJECT', '--reject-with', reject],
    mangle: ['DROP'],
  } as const
  const tables = ['filter', 'mangle'] as const
  const ways = [
    ['filter', '-A', 'OUTPUT'],
    ['filter', '-A', 'FORWARD'],
    ['mangle', '-I', 'POSTROUTING'],
  ] as const
  const rule = (table: string, ...rest: readonly string[]): readonly string[] => [
    program,
    '-w',
    '-t',
    table,
    ...rest,
  ]
  return {
    isClosed: rule('mangle', '-C', 'POSTROUTING', '-o', wayOut, '-j', chain),
    apply: [
      ...tables.flatMap((table) => [
        rule(table, '-N', chain),
        // why: what a proxy on this node catches was routed out before and still bears that interface here
        rule(table, '-A', chain, '-m', 'addrtype', '--dst-type', 'LOCAL', '-j', 'RETURN'),
        ...own.map((net) => rule(table, '-A', chain, '-d', net, '-j', 'RETURN')),
        rule(table, '-A', chain, '-j', ...end[table]),
      ]),
      ...ways.map(([table, verb, way]) => rule(table, verb, way, '-o', wayOut, '-j', chain)),
    ],
    undo: [
      ...ways.map(([table, , way]) => rule(table, '-D', way, '-o', wayOut, '-j', chain)),
      ...tables.flatMap((table) => [rule(table, '-F', chain), rule(table, '-X', chain)]),
    ],
  }
}

/**
 * What breaks a node.
 * @param master - address of the control plane
 * @throws ClusterError 'fault-failed' for what this provider cannot break
 */
export function faultRules(fault: Fault, master: string): Rules {
  switch (fault.kind) {
    case 'cut-node':
      return dropped(fault.from === 'all' ? undefined : master)
    case 'link':
      return shaped(fault.shape)
    case 'stop-node':
    case 'kill-component':
      throw new ClusterError('fault-failed', `${fault.kind} is not a matter of rules`)
    case 'api':
      throw new ClusterError('fault-failed', 'provider kind cannot make the API misbehave', {
        hint: 'use --provider local for this',
      })
  }
}

/** Raw sees packets before any data plane does; mangle POSTROUTING sees what pods send as well. */
function dropped(peer: string | undefined): Rules {
  const to = peer === undefined ? [] : ['-d', peer]
  const from = peer === undefined ? [] : ['-s', peer]
  const rules = [
    ['raw', 'PREROUTING', '-i', wayOut, ...from, '-j', 'DROP'],
    ['mangle', 'POSTROUTING', '-o', wayOut, ...to, '-j', 'DROP'],
  ]
  const each = (verb: string): readonly (readonly string[])[] =>
    rules.map(([table = '', chain = '', ...rest]) => [
      ...['iptables', '-w', '-t', table, verb, chain],
      ...rest,
    ])
  return { apply: each('-I'), undo: each('-D') }
}

function shaped({
  rateMbit,
  delayMs,
  lossRatio,
}: Extract<Fault, { kind: 'link' }>['shape']): Rules {
  const rate = rateMbit === undefined ? [] : [`${rateMbit}mbit`]
  const tc = (verb: string): readonly string[] => ['tc', 'qdisc', verb, 'dev', wayOut, 'root']
  if (delayMs !== undefined || lossRatio !== undefined)
    return {
      apply: [
        [
          ...[...tc('add'), 'netem', 'limit', '100000'],
          ...(delayMs === undefined ? [] : ['delay', `${delayMs}ms`]),
          ...(lossRatio === undefined ? [] : ['loss', `${lossRatio * 100}%`]),
          ...rate.flatMap((value) => ['rate', value]),
        ],
      ],
      undo: [tc('del')],
    }
  if (rateMbit === undefined) return { apply: [], undo: [] }
  return {
    apply: [[...tc('add'), 'tbf', 'rate', ...rate, 'burst', '64kb', 'latency', '50ms']],
    undo: [tc('del')],
  }
}
