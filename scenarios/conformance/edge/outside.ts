import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext, Observation } from '../../../harness/api.ts'
import { outside, upstream, upstreamAddresses } from '../dns/upstream.fixture.ts'
import { backends } from '../l4/backends.fixture.ts'
import { ask, askUntil, describeAnswer } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod } from '../support/objects.ts'
import { restarted } from '../support/outage.ts'
import { inPod } from '../support/positions.ts'
import { changedNode, onNode } from '../support/shell.ts'
import { whenKnown } from './scene.ts'

const externalPerSecond = 50
const wanDownMs = 6_000

/** Queries for a name of the cluster on each side of the comparison: one in a hundred may be as slow as it likes. */
const clusterQueries = 200

/** The world outside of the cluster is away, or is asked by way of the node's own stub. */
export const outsideWorld: readonly Check[] = [
  {
    requirement: 'EDGE-OFF-004',
    sends: `${externalPerSecond} names outside of the cluster per second for ${wanDownMs / 1000} s while no upstream name server answers; names of the cluster beside them`,
    expects:
      'SERVFAIL for each in time; the p99 of cluster names at most doubles, or stays below the floor',
    capabilities: ['upstream-dns', 'node-access'],
    fixtures: [backends, upstream],
    run: whenKnown(async (context, { name }) => {
      const before = await clusterP99(context, name)
      await upstreamsSilent(context)
      const externals: Promise<Observation>[] = []
      const ended = performance.now() + wanDownMs
      const asking = (async () => {
        for (let count = 0; performance.now() < ended; count += 1) {
          externals.push(
            ask(context, { name: `n${count}.wan-down.example.com`, timeoutMs: 10_000 }),
          )
          await delay(1_000 / externalPerSecond, undefined, context)
        }
      })()
      const most = Math.max(
        before * context.threshold('clusterP99Ratio'),
        context.threshold('clusterP99FloorMs'),
      )
      const during = await clusterP99(context, name, most)
      await asking
      const answers = await Promise.all(externals)
      const wrong = answers.filter((one) => one.kind !== 'dns' || one.rcode !== 'SERVFAIL')
      const slowest = Math.max(...answers.map(({ durationMs }) => durationMs))
      return new Judgement()
        .atLeast('names outside', 100, answers.length, 'queries')
        .set(
          'answers for names outside that are not SERVFAIL',
          [],
          wrong.slice(0, 3).map(describeAnswer),
        )
        .atMost('slowest SERVFAIL', context.threshold('servfailMs'), slowest)
        .atMost('p99 of cluster names', most, during)
        .assessment(
          `${answers.length} x SERVFAIL, the slowest after ${Math.round(slowest)} ms; p99 of cluster names ${before.toFixed(1)} ms before, ${during.toFixed(1)} ms meanwhile`,
        )
    }),
  },
  {
    requirement: 'EDGE-CLI-006',
    sends:
      "the node's resolv.conf names 127.0.0.53, where a stub answers; the agent is started anew; queries for a name outside",
    expects: "the stub's answer, and the stub is asked a bounded number of times",
    capabilities: ['upstream-dns', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context) => {
      const { host } = outside
      await stubOnNode(context)
      await restarted(context, 0, 'term')
      const { seen } = await askUntil(
        context,
        { name: host.name },
        ({ rcode, answers }) => rcode === 'NOERROR' && answers.length > 0,
        context.threshold('convergenceMs'),
      )
      const addresses = seen.kind === 'dns' ? seen.answers.map(({ data }) => data) : []
      const judgement = new Judgement().set(
        'addresses of a name outside',
        [host.address],
        addresses,
      )
      // why: a name that nobody asked for before: every query for it that the stub sees comes of this one
      const fresh = `once.${host.name}`
      const once = await ask(context, { name: fresh, timeoutMs: 10_000 })
      const asked = await stubAsked(context, fresh)
      return judgement
        .atLeast('queries at the stub for one question', 1, asked, 'queries')
        .atMost('queries at the stub for one question', context.threshold('stubQueries'), asked)
        .assessment(
          `${describeAnswer(seen)}; ${fresh}: ${describeAnswer(once)}, the stub was asked ${asked} times`,
        )
    }),
  },
]

/** Answers that may be slower than the p99. */
const slowerThanP99 = clusterQueries / 100

/**
 * @param hopelessMs - it ends as soon as the p99 cannot be below this any more, so that a slow target is judged in time
 * @returns ms
 */
async function clusterP99(
  context: CheckContext,
  name: string,
  hopelessMs = Infinity,
): Promise<number> {
  const took: number[] = []
  while (took.length < clusterQueries) {
    const seen = await ask(context, { name, timeoutMs: 2_000 })
    took.push(seen.kind === 'dns' && seen.rcode === 'NOERROR' ? seen.durationMs : 2_000)
    if (took.filter((ms) => ms > hopelessMs).length > slowerThanP99) break
    await delay(10, undefined, context)
  }
  return took.sort((a, b) => a - b).at(-1 - slowerThanP99) ?? 0
}

/** Queries reach the nodes of the upstream name servers and get no answer, not even that nobody listens. */
async function upstreamsSilent(context: CheckContext): Promise<void> {
  for (const address of upstreamAddresses(context)) {
    const index = context.nodes.findIndex((node) => node.address === address)
    await changedNode(context, index, {
      todo: `nft delete table ip meshmark_wan 2>/dev/null || true
nft -f - <<'rules'
table ip meshmark_wan {
  chain in {
    type filter hook prerouting priority raw; policy accept;
    ip daddr ${address} udp dport 53 drop
    ip daddr ${address} tcp dport 53 drop
  }
  chain own {
    type filter hook input priority filter; policy accept;
    ip daddr ${address} udp dport 53 drop
    ip daddr ${address} tcp dport 53 drop
  }
}
rules`,
      undo: 'nft delete table ip meshmark_wan',
    })
  }
}

const stubPorts = { dns: '127.0.0.53:53', control: '127.0.0.53:8099' } as const

/** How often the stub was asked for a name until nobody asked it for a second. */
async function stubAsked(context: CheckContext, name: string): Promise<number> {
  const look = async (): Promise<number> => {
    const url = `http://${stubPorts.control}/seen?only=dnsQueries&contains=${name}&last=0`
    const { matched } = JSON.parse(await onNode(context, 0, `curl -fsS '${url}'`)) as {
      readonly matched: { readonly dnsQueries: number }
    }
    return matched.dnsQueries
  }
  let asked = await look()
  for (let more = true; more;) {
    await delay(1_000, undefined, context)
    const now = await look()
    // why: a loop never ends, and has been seen then
    more = now > asked && now < 1_000
    asked = now
  }
  return asked
}

/** A stub resolver as systemd-resolved on the first edge node, and a resolv.conf that names it alone. */
async function stubOnNode(context: CheckContext): Promise<void> {
  const order = JSON.stringify({
    dns: { records: [{ name: outside.host.name, type: 'A', data: outside.host.address }] },
  })
  await context.apply([
    backendPod({
      name: 'stub',
      image: context.backendImage,
      node: inPod(context).node,
      spec: { hostNetwork: true, dnsPolicy: 'Default' },
      container: {
        args: ['--dns', stubPorts.dns, '--control', stubPorts.control],
        readinessProbe: undefined,
      },
    }),
  ])
  const behave = `curl -fsS --retry 60 --retry-delay 1 --retry-connrefused -X POST -d '${order}' http://${stubPorts.control}/behave`
  await onNode(context, 0, behave)
  await changedNode(context, 0, {
    todo: "cp /etc/resolv.conf /tmp/meshmark-resolv.conf && echo 'nameserver 127.0.0.53' > /etc/resolv.conf",
    undo: 'cat /tmp/meshmark-resolv.conf > /etc/resolv.conf && rm /tmp/meshmark-resolv.conf',
  })
}
