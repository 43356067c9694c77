import type { Check, CheckContext } from '../../../harness/api.ts'
import { byHand } from '../support/by-hand.ts'
import { backends } from '../l4/backends.fixture.ts'
import { clusterIpOf, podsOf } from '../support/cluster-facts.ts'
import { Judgement } from '../support/judgement.ts'
import { ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { changedNode, onNode } from '../support/shell.ts'
import { tcpAnswered } from '../support/steady.ts'
import { holdWithin } from './scene.ts'

/** What is carried: much more than a node says to the control plane meanwhile. */
const payloadBytes = 10_000_000

/** Share of the payload that a node may say on its LAN for other reasons. */
const otherTalk = 0.05

const servicePorts = [
  { name: 'tcp-0', port: 81, targetPort: ports.tcp },
  { name: 'command', port: 82, targetPort: ports.command },
]

/** Traffic takes no detour. */
export const near: readonly Check[] = [
  {
    requirement: 'EDGE-X-004',
    sends: `${payloadBytes / 1e6} MB from an endpoint on the second edge node to a client on the first, by a ClusterIP`,
    expects:
      "no packet of the connection comes from the LAN's router, and next to nothing else does",
    capabilities: ['multi-node', 'node-access'],
    fixtures: [backends],
    run: async (context) => {
      const { ip, pod, problem } = await pointAt(context, 'web-1')
      const judgement = new Judgement().equal('the endpoint answers', undefined, problem)
      if (problem !== undefined) return judgement.assessment('')
      const counted = await countFrom(context, pod, 'ether saddr $router')
      const bytes = await download(context, ip)
      const { packets, all } = await counted()
      return judgement
        .equal('bytes that arrived', payloadBytes, bytes)
        .equal('packets of the endpoint by way of the router', 0, packets)
        .atMost('bytes from the router', payloadBytes * otherTalk, all, 'bytes')
        .assessment(`${packets} packets by way of the router`)
    },
  },
  {
    requirement: 'EDGE-X-005',
    sends: `${payloadBytes / 1e6} MB from an endpoint to a client on the same node, by a ClusterIP`,
    expects: "no packet of the connection on the node's LAN interface, and next to no bytes",
    capabilities: ['node-access'],
    fixtures: [backends],
    run: async (context) => {
      const { ip, pod, problem } = await pointAt(context, 'web-0')
      const judgement = new Judgement().equal('the endpoint answers', undefined, problem)
      if (problem !== undefined) return judgement.assessment('')
      const counted = await countFrom(context, pod, '')
      const bytes = await download(context, ip)
      const { packets, all } = await counted()
      return judgement
        .equal('bytes that arrived', payloadBytes, bytes)
        .equal('packets of the endpoint on the LAN', 0, packets)
        .atMost('bytes on the LAN', payloadBytes * otherTalk, all, 'bytes')
        .assessment(`${packets} packets on the LAN`)
    },
  },
]

interface Pointed {
  readonly ip: string
  readonly pod: string
  /** Why it does not answer. */
  readonly problem: string | undefined
}

/** A Service with one pod alone, and whether that pod answers the first edge node's clients. */
async function pointAt(context: CheckContext, name: string): Promise<Pointed> {
  const namespace = context.fixture(backends)
  const found = (await podsOf(context, namespace)).find((one) => one.name === name)
  if (found === undefined) throw new Error(`pod ${name} has no address`)
  const nodeName = found.node
  await context.apply([
    service('one', servicePorts, { selector: undefined }),
    ...byHand(
      'one',
      [{ addresses: [found.ip], nodeName }],
      servicePorts.map((port) => ({ name: port.name, port: port.targetPort })),
    ),
  ])
  const ip = await clusterIpOf(context, context.namespace, 'one')
  const look = tcpAnswered(context, inPod(context), ip, 81, [name])
  const { accepted, seen } = await holdWithin(context, [look], context.threshold('convergenceMs'))
  return { ip, pod: found.ip, problem: accepted ? undefined : seen }
}

async function download(context: CheckContext, host: string): Promise<number> {
  const probe = await context.probe(inPod(context))
  const stream = await probe.stream({ host, port: 82, timeoutMs: 5_000 }, context)
  context.keep(stream)
  const { bytes } = await stream.play(
    [
      { do: 'send', base64: Buffer.from(`source ${payloadBytes}\n`).toString('base64') },
      { do: 'end' },
      { do: 'read', until: 'end', withinMs: 60_000 },
    ],
    context,
  )
  return bytes
}

/** Counts what comes into the first edge node from its LAN: of the endpoint, and altogether. */
async function countFrom(
  context: CheckContext,
  endpoint: string,
  match: string,
): Promise<() => Promise<{ readonly packets: number; readonly all: number }>> {
  await changedNode(context, 0, {
    todo: `set -- $(ip -4 -o route show default | sed -n 's/.* via \\([^ ]*\\) dev \\([^ ]*\\).*/\\1 \\2/p' | head -n 1)
[ -n "$2" ] || { echo 'no default route' >&2; exit 1; }
ping -c 1 -W 2 "$1" >/dev/null 2>&1 || true
router=$(ip neigh show "$1" dev "$2" | sed -n 's/.* lladdr \\([^ ]*\\).*/\\1/p')
${match === '' ? '' : '[ -n "$router" ] || { echo "the router $1 has no address on the LAN" >&2; exit 1; }'}
nft delete table inet meshmark_near 2>/dev/null || true
nft -f - <<rules
table inet meshmark_near {
  counter endpoint { }
  counter everything { }
  chain in {
    type filter hook prerouting priority raw; policy accept;
    iifname "$2" ${match} counter name everything
    iifname "$2" ${match} ip saddr ${endpoint} counter name endpoint
  }
  chain out {
    type filter hook postrouting priority 300; policy accept;
    oifname "$2" ip saddr ${endpoint} counter name endpoint
  }
}
rules`,
    undo: 'nft delete table inet meshmark_near',
  })
  return async () => {
    const listed = await onNode(context, 0, 'nft list counters table inet meshmark_near')
    const counts = Object.fromEntries(
      [...listed.matchAll(/counter (\w+) \{\s*packets (\d+) bytes (\d+)/g)].map(
        ([, name = '', packets, bytes]) => [
          name,
          { packets: Number(packets), bytes: Number(bytes) },
        ],
      ),
    )
    const { endpoint: own, everything: all } = counts
    if (own === undefined || all === undefined) throw new Error(`no counters in: ${listed}`)
    return { packets: own.packets, all: all.bytes }
  }
}
