import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { askRaw, describeReply, exchange, rcodeOf, rdataOf } from '../support/dns-exchange.ts'
import { dnsServer } from '../support/dns.ts'
import { query } from '../support/dns-packets.ts'
import { forwardCheck, latencies } from './forward.ts'
import {
  freshName,
  misbehaving,
  slowMs,
  upstreamAddresses,
  upstreamQueries,
} from './upstream.fixture.ts'

/** Answers of the upstream's wildcards. */
const freshAddress = '203.0.113.8'

/** Local names asked for a p99, and names outside that wait meanwhile (DNSP-FWD-003). */
const local = { count: 300, everyMs: 5, outside: 20 } as const

/** Names asked before a dead server has to be known, and after (DNSP-FWD-004). */
const turns = { before: 6, after: 5 } as const

/** DNSP-FWD-008. */
const compared = { count: 60, everyMs: 30 } as const

/** Names outside of the zone while upstream servers are in trouble; all disruptive, because all checks share them. */
export const forwardTrouble: readonly Check[] = [
  forwardCheck({
    requirement: 'DNSP-FWD-003',
    sends: 'names outside and names of the zone while no upstream server answers',
    expects: 'SERVFAIL for the former within the threshold; p99 of the latter less than doubles',
    judge: async (context, { judgement, name }) => {
      const names = Array.from({ length: local.count }, () => name)
      const before = at99(await latencies(context, names, local.everyMs))
      await misbehaving(context, { rules: [{ blackhole: true }] })
      const outside = Array.from({ length: local.outside }, (_, id) =>
        query({ name: freshName(context), id }),
      )
      const asking = askRaw(context, outside, { timeoutMs: 10_000 })
      const during = at99(await latencies(context, names, local.everyMs))
      const replies = await asking
      const slowest = Math.max(...replies.map((got) => got?.atMs ?? Infinity))
      const noise = context.threshold('noiseMs')
      const most = Math.max(before * context.threshold('localP99Ratio'), noise)
      judgement
        .set('outside', ['SERVFAIL'], new Set(replies.map(rcodeOf)))
        .atMost('outside, after', context.threshold('servfailMs'), slowest)
        .atMost('p99 of the zone', most, during)
      return `SERVFAIL after ${Math.round(slowest)} ms; p99 of the zone ${before.toFixed(1)} ms, then ${during.toFixed(1)} ms`
    },
  }),
  forwardCheck({
    requirement: 'DNSP-FWD-004',
    sends: `${turns.before + turns.after} names outside, one after the other, while the first upstream server is silent`,
    expects: 'an answer each time, for the last ones within the threshold',
    judge: async (context, { judgement }) => {
      await steady(context)
      await misbehaving(context, { rules: [{ blackhole: true }] }, 0)
      const took: number[] = []
      const answered: string[] = []
      for (let turn = 0; turn < turns.before + turns.after; turn += 1) {
        const [got] = await askRaw(context, [query({ name: freshName(context) })])
        took.push(got?.atMs ?? Infinity)
        answered.push(rdataOf(got, 'A').join() || rcodeOf(got))
      }
      judgement
        .set('answers', [freshAddress], new Set(answered))
        .atMost(
          `the slowest of the last ${turns.after}`,
          context.threshold('answerMs'),
          Math.max(...took.slice(-turns.after)),
        )
      return `after ${took.map(Math.round).join(', ')} ms`
    },
  }),
  forwardCheck({
    requirement: 'DNSP-FWD-005',
    sends: 'a name outside while the upstream servers refuse TCP',
    expects: 'the answer',
    judge: async (context, { judgement }) => {
      await misbehaving(context, { transports: ['udp'] })
      const [got] = await askRaw(context, [query({ name: freshName(context) })])
      judgement.equal('A records', [freshAddress], rdataOf(got, 'A'))
      return describeReply(got)
    },
  }),
  forwardCheck({
    requirement: 'DNSP-FWD-007',
    sends: 'a name outside that the upstream servers ask the target for in turn',
    expects:
      'no more queries than the threshold reach the upstream servers; names of the zone are answered while and after the loop',
    judge: async (context, { judgement, name, clusterIp }) => {
      const { address, port } = dnsServer(context)
      await misbehaving(context, {
        rules: [{ name: '*.loop.example', relay: `${address}:${port}` }],
      })
      const label = `x${context.seed}`
      const looping = askRaw(context, [query({ name: `${label}.loop.example` })])
      const while_ = await zoneAnswers(context, name)
      const [got] = await looping
      const count = await upstreamQueries(context, label)
      const after = await zoneAnswers(context, name)
      judgement
        .atLeast('queries upstream', 1, count, 'queries')
        .atMost('queries upstream', context.threshold('upstreamQueries'), count, 'queries')
        .equal('the zone, meanwhile', clusterIp, while_)
        .equal('the zone, afterwards', clusterIp, after)
      return `${count} queries upstream, ${describeReply(got)}`
    },
  }),
  forwardCheck({
    requirement: 'DNSP-FWD-008',
    sends: `${compared.count} names outside through the target, and as many at the upstream server itself, which takes ${slowMs} ms`,
    expects:
      'a p50 at most so many times the direct one, and no answer that waited for a step of 5 s',
    judge: async (context, { judgement }) => {
      const names = (): readonly string[] =>
        Array.from({ length: compared.count }, () => freshName(context, 'slow'))
      const [direct = ''] = upstreamAddresses(context)
      const without = await latencies(context, names(), compared.everyMs, {
        address: direct,
        port: 53,
      })
      const through = await latencies(context, names(), compared.everyMs)
      const [p50Without, p50Through] = [without, through].map(
        (all) => all[compared.count / 2] ?? Infinity,
      )
      judgement
        .atMost('p50', (p50Without ?? 0) * context.threshold('p50Ratio'), p50Through ?? Infinity)
        .atMost('slowest', context.threshold('answerMs'), through.at(-1) ?? Infinity)
      return `p50 ${p50Without?.toFixed(1)} ms directly, ${p50Through?.toFixed(1)} ms through the target`
    },
  }),
]

/** Until every name outside was answered for two seconds: what another check broke is forgotten by then. */
async function steady(context: CheckContext): Promise<void> {
  const wanted = 20
  await eventually(
    async () => {
      const names = Array.from({ length: wanted }, () => freshName(context))
      return (await latencies(context, names, 100)).at(-1) ?? Infinity
    },
    (slowest) => slowest < 1_000,
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
}

/** What the zone says, over and over for half a second: the first answer that differs, or all of them. */
async function zoneAnswers(context: CheckContext, name: string): Promise<string> {
  const { replies } = await exchange(context, [
    Array.from({ length: 10 }, (_, id) => ({ bytes: query({ name, id }), atMs: id * 50 })),
  ])
  if (replies.length < 10) return `${replies.length} of 10 replies`
  return [...new Set(replies.map((got) => rdataOf(got, 'A').join() || rcodeOf(got)))].join(', ')
}

function at99(sorted: readonly number[]): number {
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Infinity
}
