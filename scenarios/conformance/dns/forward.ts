import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import {
  askRaw,
  describeReply,
  exchange,
  rcodeOf,
  rdataOf,
  type Reply,
} from '../support/dns-exchange.ts'
import { dnsTypes, query } from '../support/dns-packets.ts'
import { type ProtocolCheck, protocolCheck } from './protocol-check.ts'
import { freshName, upstream, upstreamQueries, world } from './upstream.fixture.ts'

/** Of every wildcard of the fixture. */
const freshAddress = '203.0.113.8'

/** How often one name is asked for, so that one of a few name servers behind an address is asked twice. */
const askedForCached = 5

/** A check about names outside: it begins when one is answered. */
export function forwardCheck({ judge, ...check }: ProtocolCheck): Check {
  return protocolCheck({
    ...check,
    capabilities: ['upstream-dns', ...(check.capabilities ?? [])],
    fixtures: [upstream],
    judge: async (context, known) => {
      const { seen } = await eventually(
        async () => (await askRaw(context, [query({ name: freshName(context) })]))[0],
        (got) => rdataOf(got, 'A').includes(freshAddress),
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      known.judgement.equal('a name outside is answered', [freshAddress], rdataOf(seen, 'A'))
      return known.judgement.ok ? judge(context, known) : describeReply(seen)
    },
  })
}

/**
 * Asks once more what was not answered: a client does (RFC 1035 section 4.2.1), and rows about upstream servers that are
 * silent may have made the one that is not look dead for a moment.
 */
async function askedTwice(
  context: CheckContext,
  messages: readonly Buffer[],
): Promise<readonly (Reply | undefined)[]> {
  const first = await askRaw(context, messages)
  return Promise.all(
    first.map(async (reply, index) => {
      const message = messages[index]
      if (rcodeOf(reply) === 'NOERROR' || message === undefined) return reply
      return (await askRaw(context, [message], { timeoutMs: 10_000 }))[0]
    }),
  )
}

/** Names outside of the zone, with upstream servers that behave. */
export const forward: readonly Check[] = [
  forwardCheck({
    requirement: 'DNSP-HDR-005',
    sends: `a query for a name outside, ${askedForCached} times in turn: once more than a target has name servers, one of them has it in its cache`,
    expects: 'AA=0 each time',
    judge: async (context, { judgement }) => {
      const message = query({ name: freshName(context) })
      const told: string[] = []
      for (let turn = 1; turn <= askedForCached; turn += 1) {
        const [got] = await askRaw(context, [message])
        judgement.equal(`${turn}: AA`, false, got?.message?.authoritative)
        told.push(describeReply(got))
      }
      return told.join('; ')
    },
  }),
  forwardCheck({
    requirement: 'DNSP-HDR-006',
    sends:
      'queries with RD set and clear for a name of the zone, one with RD set for a name outside',
    expects: 'RD as in the query; RA=1 in the reply about the name outside',
    judge: async (context, { judgement, name }) => {
      const [set, clear, outside] = await askRaw(context, [
        query({ name, id: 1 }),
        query({ name, id: 2, recursionDesired: false }),
        query({ name: freshName(context), id: 3 }),
      ])
      judgement
        .equal('RD set', true, set?.message?.recursionDesired)
        .equal('RD clear', false, clear?.message?.recursionDesired)
        .equal('outside: RA', true, outside?.message?.recursionAvailable)
      return [set, clear, outside].map(describeReply).join('; ')
    },
  }),
  forwardCheck({
    requirement: 'DNSP-NEG-006',
    sends:
      'queries for an existing, a missing and a suffixed external name of the zone, and one outside',
    expects: 'the upstream servers see the last alone',
    judge: async (context, { judgement, name, sibling }) => {
      const missing = `missing-${context.seed}`
      const suffixed = `suffixed-${context.seed}.example.com`
      const outside = freshName(context)
      const names = [name, sibling(missing), sibling(suffixed), outside]
      const replies = await askRaw(
        context,
        names.map((name, id) => query({ name, id })),
      )
      // why: what is told of the name outside comes after what would be told of the others
      await eventually(
        () => upstreamQueries(context, outside),
        (count) => count > 0,
        { withinMs: 2_000, signal: context.signal },
      )
      const zone = `.svc.${context.cluster.topology.clusterDomain}`
      judgement
        .atLeast('outside', 1, await upstreamQueries(context, outside), 'queries')
        .equal('of the zone', 0, await upstreamQueries(context, zone))
      return replies.map(describeReply).join('; ')
    },
  }),
  forwardCheck({
    requirement: 'DNSP-TTL-003',
    sends: 'a query for a name outside whose TTL is 30 s, again and again for up to 4 s',
    expects:
      'a TTL that never exceeds 30 s and never rises while the upstream is not asked again; it falls',
    judge: async (context, { judgement }) => {
      const name = freshName(context)
      const ttls: number[] = []
      const { tookMs } = await eventually(
        async () => {
          const [got] = await askRaw(context, [query({ name })])
          const [answer] = got?.message?.answers ?? []
          ttls.push(answer?.ttlSeconds ?? Infinity)
        },
        () => (ttls.at(-1) ?? 0) < (ttls[0] ?? 0) - 1,
        { withinMs: 4_000, everyMs: 250, signal: context.signal },
      )
      const asked = await upstreamQueries(context, name)
      judgement.atMost('largest TTL', 30, Math.max(...ttls), 's')
      if (asked < ttls.length)
        judgement
          .atMost('TTL of the last answer', (ttls[0] ?? 0) - 1, ttls.at(-1) ?? Infinity, 's')
          .equal(
            'in order',
            [...ttls].sort((a, b) => b - a),
            ttls,
          )
      return `TTLs ${ttls.join(', ')} within ${Math.round(tookMs)} ms, ${asked} queries upstream`
    },
  }),
  forwardCheck({
    requirement: 'DNSP-FWD-001',
    sends:
      'A, AAAA, TXT and MX queries for a name outside, and A for one that is an alias of an alias',
    expects: "the upstream's records, the chain of CNAMEs whole",
    judge: async (context, { judgement }) => {
      const name = `www.${world}`
      const asked = [
        { name, type: dnsTypes.A },
        { name, type: dnsTypes.AAAA },
        { name, type: dnsTypes.TXT },
        { name, type: dnsTypes.MX },
        { name: `alias.${world}`, type: dnsTypes.A },
      ]
      const replies = await askedTwice(
        context,
        asked.map((one, id) => query({ ...one, id })),
      )
      const [a, aaaa, txt, mx, chain] = replies
      judgement
        .equal('A', ['203.0.113.7'], rdataOf(a, 'A'))
        .equal('AAAA', ['2001:db8::7'], rdataOf(aaaa, 'AAAA'))
        .equal('TXT', ['the world outside'], rdataOf(txt, 'TXT'))
        .equal(
          'MX',
          [JSON.stringify({ preference: 10, exchange: `mail.${world}` })],
          rdataOf(mx, 'MX'),
        )
        .equal('CNAME', [`middle.${world}`, name], rdataOf(chain, 'CNAME'))
        .equal('A at the end', ['203.0.113.7'], rdataOf(chain, 'A'))
      return replies.map(describeReply).join('; ')
    },
  }),
  forwardCheck({
    requirement: 'DNSP-FWD-002',
    sends: 'names outside for which the upstream answers NXDOMAIN, SERVFAIL and REFUSED',
    expects: 'the same response code',
    judge: async (context, { judgement }) => {
      const wanted = { nxdomain: 'NXDOMAIN', servfail: 'SERVFAIL', refused: 'REFUSED' }
      const replies = await askRaw(
        context,
        Object.keys(wanted).map((label, id) => query({ name: freshName(context, label), id })),
        { timeoutMs: 10_000 },
      )
      Object.values(wanted).forEach((rcode, index) =>
        judgement.equal(rcode, rcode, rcodeOf(replies[index])),
      )
      return replies.map(describeReply).join('; ')
    },
  }),
  forwardCheck({
    requirement: 'DNSP-FWD-006',
    sends:
      'names outside for which a forged reply comes first: with a wrong ID, question, source port',
    expects: "the upstream's own answer, each time",
    judge: async (context, { judgement }) => {
      const labels = ['forged-id', 'forged-question', 'forged-port']
      const replies = await askRaw(
        context,
        labels.map((label, id) => query({ name: freshName(context, label), id })),
        { timeoutMs: 10_000 },
      )
      labels.forEach((label, index) => {
        judgement.equal(label, answerOf(freshAddress), toldBy(replies[index]))
      })
      return replies.map(describeReply).join('; ')
    },
  }),
]

function answerOf(address: string): string {
  return `NOERROR ${address}`
}

function toldBy(got: Reply | undefined): string {
  return `${rcodeOf(got)} ${rdataOf(got, 'A').join()}`.trim()
}

/** Latencies of queries that go out one after the other, sorted; no reply counts as forever. */
export async function latencies(
  context: CheckContext,
  names: readonly string[],
  everyMs: number,
  server?: { readonly address: string; readonly port: number },
): Promise<readonly number[]> {
  const { replies } = await exchange(
    context,
    [names.map((name, id) => ({ bytes: query({ name, id }), atMs: id * everyMs }))],
    { timeoutMs: names.length * everyMs + 6_000, ...(server !== undefined && { server }) },
  )
  return names
    .map((_, id) => {
      const got = replies.find(({ message }) => message?.id === id)
      return (got?.atMs ?? Infinity) - id * everyMs
    })
    .sort((a, b) => a - b)
}
