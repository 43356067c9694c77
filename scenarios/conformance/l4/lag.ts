import type { Check } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { failuresOf } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { onNode } from '../support/shell.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, look, podsIn } from './follow.ts'
import { endpointOf, fixturePods, ownService } from './own-service.ts'
import { ruleset } from './ruleset.ts'

const changes = 20

/** How long the data path takes to follow, and whether it comes back. */
export const lag: readonly Check[] = [
  {
    requirement: 'L4-LAT-001',
    sends: `TCP connections from a pod, one after the other, while the only endpoint is replaced ${changes} times`,
    expects: 'each time the new endpoint answers within the bound; the times are recorded',
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const pods = (await fixturePods(context)).slice(0, 2)
      const own = await ownService(context, { endpoints: [] })
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      const tookMs: number[] = []
      const thresholdMs = context.threshold('convergenceMs')
      for (let change = 0; change < changes; change += 1) {
        const pod = pods[change % pods.length]
        if (pod === undefined) throw new Error('there is no pod')
        await own.setEndpoints([endpointOf(pod)])
        const seen = await eventually(
          () => look(context, front, 1, 1_000),
          (one) => failuresOf(one) === 0 && podsIn(one)[0] === pod.name,
          { withinMs: thresholdMs, everyMs: 5, signal: context.signal },
        )
        tookMs.push(seen.tookMs)
        judgement.atMost(`change ${change + 1} shows`, thresholdMs, seen.tookMs)
        if (!seen.accepted) {
          judgement.set(`change ${change + 1}: pods that answer`, [pod.name], podsIn(seen.seen))
          break
        }
      }
      const sorted = [...tookMs].sort((a, b) => a - b)
      const [median = 0, slowest = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
      const recommended = context.threshold('recommendedP99Ms')
      return judgement.assessment(
        `${changes} changes: median ${Math.round(median)} ms, slowest ${Math.round(slowest)} ms ` +
          `(${slowest <= recommended ? 'within' : 'beyond'} the ${recommended} ms recommended for p99)`,
        { convergence: { thresholdMs, observedMs: slowest } },
      )
    },
  },
  {
    requirement: 'L4-LIFE-008',
    sends:
      'TCP connections from a pod to a Service before and after the rules of its node that name it are flushed: nftables tables and iptables chains',
    expects:
      'it answers before; after it, within the bound, it answers again and the rules are there again',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      const before = await answeredBy(context, judgement, 'before', front, [pod.name])
      if (!before.ok) return judgement.assessment('')
      const { node } = onHost(context)
      await ruleset(context, 0)
      const flushed = (await onNode(context, 0, flushScript(own.host))).trim()
      if (flushed === '')
        return {
          kind: 'skipped',
          reason: `no nftables or iptables rule of ${node} names the Service`,
        }
      const after = await answeredBy(context, judgement, 'after the flush', front, [pod.name])
      return judgement.assessment(
        `flushed ${flushed.split('\n').join(', ')}; answered again after ${Math.round(after.tookMs)} ms`,
        {
          convergence: {
            thresholdMs: context.threshold('convergenceMs'),
            observedMs: after.tookMs,
          },
        },
      )
    },
  },
]

/**
 * Flushes nftables tables (those of iptables left out) and iptables chains that name an address, and says which. Chains
 * of others on the node stay.
 */
export function flushScript(address: string): string {
  const word = address.replaceAll('.', '\\.')
  return `
nft list tables 2>/dev/null | while read -r _ family name; do
  case "$name" in nat|filter|mangle|raw|security) continue ;; esac
  if nft list table "$family" "$name" | grep -qE '(^|[^0-9.])${word}([^0-9.]|$)'; then
    nft flush table "$family" "$name" && echo "table $family $name"
  fi
done
for table in nat filter; do
  iptables-save -t $table 2>/dev/null | sed -nE 's/^-A ([^ ]+) .*-d ${word}\\/32 .*/\\1/p' | sort -u | while read -r chain; do
    iptables -t $table -F "$chain" && echo "chain $table $chain"
  done
done
true`
}
