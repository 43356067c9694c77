import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { answeredBy } from '../l4/follow.ts'
import { flushScript } from '../l4/lag.ts'
import { endpointOf, fixturePods, ownService } from '../l4/own-service.ts'
import { judgeSameProcesses, pidsAt, processesOf, withAgent } from '../support/agent.ts'
import { packets } from '../support/datagrams.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { changedNode, onNode } from '../support/shell.ts'

/** What an administrator, docker or ufw may have there: a table of nftables, a chain of iptables. */
const foreign = {
  todo: `nft -f - <<'END' || exit 1
table inet mm_by_hand {
  set friends { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 } }
  chain forward { type filter hook forward priority 5; policy accept; ip saddr 192.0.2.66 drop comment "by hand"; }
  chain out { type nat hook postrouting priority 110; policy accept; ip saddr @friends ip daddr 198.51.100.1 masquerade; }
}
END
if command -v iptables >/dev/null; then
  iptables -w 10 -N MM-BY-HAND && iptables -w 10 -A MM-BY-HAND -s 192.0.2.66/32 -j DROP && iptables -w 10 -I FORWARD -j MM-BY-HAND
fi`,
  undo: `nft delete table inet mm_by_hand
if command -v iptables >/dev/null; then
  iptables -w 10 -D FORWARD -j MM-BY-HAND; iptables -w 10 -F MM-BY-HAND; iptables -w 10 -X MM-BY-HAND
fi; true`,
  read: `nft list table inet mm_by_hand 2>&1; command -v iptables-save >/dev/null && iptables-save 2>/dev/null | grep MM-BY-HAND | sed 's/\\[[0-9:]*\\]//'; true`,
} as const

const usual = {
  capabilities: ['node-access'],
  fixtures: [backends],
  timeoutMs: 300_000,
} as const satisfies Partial<Check>

/** The agent and others who write rules on the same node. */
export const isolation: readonly Check[] = [
  {
    ...usual,
    requirement: 'HYG-ISO-001',
    sends:
      'nothing to the rules of others: a table of nftables and a chain of iptables are made on a node without the target; it is installed, carries a Service, and is removed again',
    expects: 'they read the same byte for byte each time',
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const judgement = new Judgement()
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const front = { at: inPod(context), host: own.host, port: 81 }
      if (!(await answeredBy(context, judgement, 'before', front, [pod.name])).ok)
        return judgement.assessment('')
      const { reinstall } = await context.target.uninstall()
      await changedNode(context, 0, foreign)
      const before = await onNode(context, 0, foreign.read)
      await reinstall(context)
      await answeredBy(context, judgement, 'installed', front, [pod.name])
      judgement.equal('installed and used', before, await onNode(context, 0, foreign.read))
      const again = await context.target.uninstall()
      judgement.equal('removed', before, await onNode(context, 0, foreign.read))
      await again.reinstall(context)
      return judgement.assessment(`${before.split('\n').length} lines of others stay as they are`)
    },
  },
  {
    ...usual,
    requirement: 'HYG-ISO-002',
    sends:
      '200 datagrams per second from one source port of a pod to a Service, over 10 sync periods of rules',
    expects: 'each is answered',
    timeoutMs: 900_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const judgement = new Judgement()
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const front = { at: inPod(context), host: own.host, port: 81 }
      if (!(await answeredBy(context, judgement, 'before', front, [pod.name])).ok)
        return judgement.assessment('')
      const periodMs = context.threshold('syncPeriodMs')
      const count = (periodMs / 1_000) * perSecond
      let answered = 0
      for (let period = 0; period < periods; period += 1) {
        const seen = await packets(context, front.at, {
          host: own.host,
          port: 83,
          sockets: [{ localPort: syncedPort, send: evenly(count, periodMs) }],
          expect: count,
          timeoutMs: periodMs + 5_000,
        })
        answered += seen.received.length
      }
      judgement.equal('answers', count * periods, answered)
      return judgement.assessment(`${answered} datagrams answered over ${periods} periods`)
    },
  },
  {
    ...usual,
    requirement: 'HYG-ISO-003',
    sends:
      "a flush of every chain and table on a node that names a Service's address; then TCP connections from a pod to it",
    expects: 'it is answered again within the sync period, by the same process',
    run: withAgent(async (context) => {
      const [pod] = await fixturePods(context)
      const judgement = new Judgement()
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const front = { at: inPod(context), host: own.host, port: 81 }
      if (!(await answeredBy(context, judgement, 'before', front, [pod.name])).ok)
        return judgement.assessment('')
      const before = await processesOf(context)
      const flushed = (await onNode(context, 0, flushScript(own.host))).trim()
      judgement.holds(
        'rules that name the Service',
        'some, and they were flushed',
        flushed,
        flushed !== '',
      )
      const after = await answeredBy(context, judgement, 'after', front, [pod.name])
      await judgeSameProcesses(context, judgement, before)
      return judgement.assessment(
        `flushed ${flushed.split('\n').join(', ')}; ${after.told} after ${Math.round(after.tookMs)} ms`,
        {
          convergence: {
            thresholdMs: context.threshold('convergenceMs'),
            observedMs: after.tookMs,
          },
        },
      )
    }),
  },
  {
    ...usual,
    requirement: 'HYG-ISO-004',
    sends:
      "nothing for 10 s, while another program holds the xtables lock, the node's and the agent's view of it; a Service is made in that time",
    expects: 'it is answered within the bound, and the agent is the same process',
    run: withAgent(async (context) => {
      const [pod] = await fixturePods(context)
      const { node } = inPod(context)
      const judgement = new Judgement()
      const first = await ownService(context, { name: 'first', endpoints: [endpointOf(pod)] })
      const front = { at: inPod(context), host: first.host, port: 81 }
      if (!(await answeredBy(context, judgement, 'before', front, [pod.name])).ok)
        return judgement.assessment('')
      const before = await processesOf(context)
      const pids = await pidsAt(context, node)
      await holdLock(context, pids)
      const own = await ownService(context, { name: 'second', endpoints: [endpointOf(pod)] })
      const seen = await answeredBy(
        context,
        judgement,
        'made while the lock was held',
        { ...front, host: own.host },
        [pod.name],
      )
      await delay(lockedMs, undefined, context)
      await judgeSameProcesses(context, judgement, before)
      return judgement.assessment(`${seen.told} after ${Math.round(seen.tookMs)} ms`, {
        convergence: { thresholdMs: context.threshold('convergenceMs'), observedMs: seen.tookMs },
      })
    }),
  },
]

const periods = 10
const perSecond = 200
const syncedPort = 20_107
const lockedMs = 10_000

function evenly(count: number, overMs: number): { atMs: number; base64: string }[] {
  const base64 = Buffer.from('who').toString('base64')
  return Array.from({ length: count }, (_, index) => ({ atMs: (index * overMs) / count, base64 }))
}

/** Holds /run/xtables.lock (iptables' XTABLES_LOCKFILE) as the node and as these processes see it. */
async function holdLock(context: CheckContext, pids: readonly number[]): Promise<void> {
  const roots = ['', ...pids.map((pid) => `/proc/${pid}/root`)]
  const hold = roots.map(
    (root) => `setsid flock ${root}/run/xtables.lock sleep ${lockedMs / 1_000} >/dev/null 2>&1 &`,
  )
  const isHeld = `! flock -n ${roots[0] ?? ''}/run/xtables.lock true`
  await onNode(
    context,
    0,
    `${hold.join('\n')}
for try in 1 2 3 4 5 6 7 8 9 10; do ${isHeld} && exit 0; sleep 0.1; done; echo 'the lock is free' >&2; exit 1`,
  )
}
