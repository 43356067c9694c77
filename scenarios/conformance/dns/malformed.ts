import type { Check, CheckContext } from '../../../harness/api.ts'
import {
  askRaw,
  describeReply,
  exchange,
  rcodeOf,
  rdataOf,
  type Reply,
} from '../support/dns-exchange.ts'
import { query, queryWithName, seeded } from '../support/dns-packets.ts'
import { badNames, mutation } from '../support/dns-mutations.ts'
import { protocolCheck } from './protocol-check.ts'

/** Replies to bad messages are waited for so long beside the good one's. */
const repliesMs = 1_500

const mutations = { warmUp: 10_000, count: 10_000, perBatch: 1_000, batchMs: 600 } as const

/** Messages that are none. */
export const malformed: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-FMT-001',
    sends: 'a message with QDCOUNT=2 and the question twice',
    expects: 'the response code FORMERR',
    judge: async (context, { judgement, name }) => {
      const [got] = await askRaw(context, [query({ name, questions: 2 })])
      judgement.equal('rcode', 'FORMERR', rcodeOf(got))
      return describeReply(got)
    },
  }),
  protocolCheck({
    requirement: 'DNSP-FMT-002',
    sends: 'a message with QDCOUNT=0 and no COOKIE option, then a query',
    expects: 'any response code but NOERROR, or no reply; the query is answered',
    judge: async (context, { judgement, name, clusterIp }) => {
      const replies = await sendBad(context, [query({ name, questions: 0, id: 1 })], name)
      const bad = replies.find(({ message }) => message?.id === 1)
      judgement
        .holds('QDCOUNT=0', 'an error, or no reply', rcodeOf(bad), rcodeOf(bad) !== 'NOERROR')
        .equal('then', [clusterIp], rdataOf(good(replies), 'A'))
      return replies.map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-FMT-003',
    sends:
      'names that point to themselves, to each other and forwards, labels of 64 and 191, a name of 321 bytes, and a query cut at every length; then a query',
    expects:
      'an error or no reply to each, where the name is whole the answer, too; the last query is answered within the threshold',
    judge: async (context, { judgement, name, clusterIp }) => {
      const whole = query({ name, opts: [{}] })
      const nameEnd = query({ name }).length - 4
      const bad = [
        ...badNames.map((bytes) => queryWithName(0, bytes)),
        ...Array.from({ length: whole.length }, (_, length) =>
          Buffer.from(whole.subarray(0, length)),
        ),
      ].map(numbered)
      const replies = await sendBad(context, bad, name)
      const answer = good(replies)
      const others = replies.filter((one) => one !== answer)
      const wrong = others.filter(
        ({ message }) =>
          message === undefined ||
          (['NOERROR', 'NXDOMAIN'].includes(message.rcode) &&
            (bad[message.id]?.length ?? 0) < nameEnd),
      )
      const told = wrong.map((one) => `${one.message?.id}: ${describeReply(one)}`)
      judgement
        .equal('answers to bad messages', [], told)
        .equal('to the good one', [clusterIp], rdataOf(answer, 'A'))
        .atMost(
          'the good one, after',
          context.threshold('livenessMs'),
          (answer?.atMs ?? Infinity) - goodAtMs(bad.length),
        )
      return `${bad.length} bad messages, ${others.length} errors: ${[...new Set(others.map(rcodeOf))].join(', ')}`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-FMT-004',
    sends: `${mutations.count} queries with seeded mutations: bits, bytes, cuts, insertions`,
    expects:
      'good queries in between are answered, the processor time of the target never falls (no restart), its memory grows by less than the threshold',
    timeoutMs: 180_000,
    judge: async (context, { judgement, name, clusterIp }) => {
      const random = seeded(context.seed)
      const seeds = [query({ name, opts: [{}] }), query({ name, id: 2 })]
      let answered = 0
      const batches = async (count: number): Promise<void> => {
        for (let done = 0; done < count; done += mutations.perBatch) {
          const bad = Array.from({ length: mutations.perBatch }, () => mutation(seeds, random))
          await exchange(context, spread(bad), { expect: 0, timeoutMs: mutations.batchMs })
          const [got] = await askRaw(context, [query({ name })])
          if (rdataOf(got, 'A').join() === clusterIp) answered += 1
        }
      }
      await batches(mutations.warmUp)
      const before = await usage(context)
      answered = 0
      await batches(mutations.count)
      // why: it could be told before; when nothing runs any more, that is what the row asks for
      const after = await usage(context).catch((error: unknown) => String(error))
      judgement.equal('good queries answered', mutations.count / mutations.perBatch, answered)
      if (typeof after === 'string') {
        judgement.holds('the target', 'runs on every node', after, false)
        return after
      }
      const growth = after.rssBytes.map(
        (bytes, node) => (bytes - (before.rssBytes[node] ?? 0)) / 2 ** 20,
      )
      judgement
        .holds(
          'processor time',
          'never less than before',
          `${before.cpuUs} us, then ${after.cpuUs} us`,
          after.cpuUs >= before.cpuUs,
        )
        .atMost('memory growth', context.threshold('rssGrowthMiB'), Math.max(...growth), 'MiB')
      return `memory growth per node: ${growth.map((one) => one.toFixed(1)).join(', ')} MiB`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-FMT-005',
    sends: 'an A query with 16 bytes after its end',
    expects: 'the answer, or FORMERR',
    judge: async (context, { judgement, name, clusterIp }) => {
      const [got] = await askRaw(context, [query({ name, trailing: Buffer.alloc(16, 0xa5) })])
      const said = `${rcodeOf(got)} ${rdataOf(got, 'A').join()}`.trim()
      const fine = [`NOERROR ${clusterIp}`, 'FORMERR']
      judgement.holds('reply', fine.join(' or '), said, fine.includes(said))
      return describeReply(got)
    },
  }),
]

/** Its place in the list as its ID, where it has one. */
function numbered(message: Buffer, index: number): Buffer {
  if (message.length >= 2) message.writeUInt16BE(index)
  return message
}

/** Of the good query that follows bad messages. */
const goodId = 0xbeef

/** One bad message a millisecond, then the good one. */
function goodAtMs(bad: number): number {
  return bad + 5
}

/** Bad messages and a good one from a socket of its own; everything that came back. */
async function sendBad(
  context: CheckContext,
  bad: readonly Buffer[],
  name: string,
): Promise<readonly Reply[]> {
  const { replies } = await exchange(
    context,
    [
      bad.map((bytes, atMs) => ({ bytes, atMs })),
      [{ bytes: query({ name, id: goodId }), atMs: goodAtMs(bad.length) }],
    ],
    { timeoutMs: repliesMs + goodAtMs(bad.length) },
  )
  return replies
}

function good(replies: readonly Reply[]): Reply | undefined {
  return replies.find(({ socket }) => socket === 1)
}

/** Over ten sockets, ten a millisecond. */
function spread(messages: readonly Buffer[]): readonly {
  readonly bytes: Buffer
  readonly atMs: number
}[][] {
  return Array.from({ length: 10 }, (_, socket) =>
    messages.filter((_, index) => index % 10 === socket).map((bytes, atMs) => ({ bytes, atMs })),
  )
}

/** Sums over the nodes, and the memory of each: one process on one node is asked. */
async function usage(context: CheckContext): Promise<{
  readonly cpuUs: number
  readonly rssBytes: readonly number[]
}> {
  const all = await Promise.all(
    context.nodes.map(({ name }) => context.target.usage(name, context)),
  )
  return {
    cpuUs: all.reduce((sum, { cpuUs }) => sum + cpuUs, 0),
    rssBytes: all.map(({ rssBytes }) => rssBytes),
  }
}
