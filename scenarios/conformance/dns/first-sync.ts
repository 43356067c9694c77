import type { Check } from '../../../harness/api.ts'
import { askUntil } from '../support/dns.ts'
import { askRaw, rcodeOf } from '../support/dns-exchange.ts'
import { query } from '../support/dns-packets.ts'
import { eventually } from '../../eventually.ts'
import { protocolCheck } from './protocol-check.ts'

/** How long the target is asked while it starts without its API, and how often. */
const asked = { forMs: 8_000, timeoutMs: 500, everyMs: 100 } as const

/** A target that knows nothing yet says so. */
export const firstSync: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-NEG-004',
    sends: `A queries for a Service for ${asked.forMs / 1000} s after the agent was killed while the API refuses connections`,
    expects:
      'SERVFAIL, no reply, or the right answer from what was saved; never NXDOMAIN or another NOERROR',
    capabilities: ['api-fault'],
    timeoutMs: 150_000,
    judge: async (context, { judgement, name, clusterIp }) => {
      const fault = await context.cluster.fault(
        { kind: 'api', behaviour: { kind: 'refuse' } },
        context,
      )
      let healed = false
      const heal = {
        [Symbol.asyncDispose]: async () => {
          if (healed) return
          healed = true
          await fault[Symbol.asyncDispose]()
        },
      }
      context.keep(heal)
      const [node] = context.nodes
      await context.target.restart(node?.name ?? '', 'kill', context)
      const seen = new Map<string, number>()
      await eventually(
        async () => {
          const [got] = await askRaw(context, [query({ name })], { timeoutMs: asked.timeoutMs })
          const data = (got?.message?.answers ?? []).map((one) => one.data).join()
          const told = `${rcodeOf(got)} ${data}`.trim()
          seen.set(told, (seen.get(told) ?? 0) + 1)
        },
        () => false,
        { withinMs: asked.forMs, everyMs: asked.everyMs, signal: context.signal },
      )
      await heal[Symbol.asyncDispose]()
      const fine = ['SERVFAIL', 'no reply', `NOERROR ${clusterIp}`]
      const { accepted } = await askUntil(
        context,
        { name },
        ({ rcode }) => rcode === 'NOERROR',
        context.threshold('convergenceMs'),
      )
      const told = [...seen].map(([what, count]) => `${count} x ${what}`).join(', ')
      judgement
        .set(
          'other answers',
          [],
          [...seen.keys()].filter((what) => !fine.includes(what)),
        )
        .holds('afterwards', 'the Service is known', accepted ? 'it is' : 'it is not', accepted)
      return told
    },
  }),
]
