import type { Check } from '../../../harness/api.ts'
import { exchange, rcodeOf, rdataOf, type Reply } from '../support/dns-exchange.ts'
import { dnsTypes, query } from '../support/dns-packets.ts'
import { inPod, onHost } from '../support/positions.ts'
import { protocolCheck } from './protocol-check.ts'

/** Rounds of A and AAAA, and how far apart they begin (DNSP-RES-002). */
const pairs = { rounds: 200, everyMs: 5 } as const

/** DNSP-CON-001. */
const outstanding = { sockets: 50, perSocket: 20 } as const

/** DNSP-CON-002: queries per second and for how long; the other client's samples. */
const flood = { perSecond: 5_000, sockets: 10, seconds: 2 } as const
const samples = { count: 400, everyMs: 4 } as const

/** Many queries at a time. */
export const concurrency: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-RES-002',
    sends: `A and AAAA queries back to back from one socket, ${pairs.rounds} times`,
    expects: 'a reply to both each time, within the threshold',
    judge: async (context, { judgement, name, clusterIp }) => {
      const { replies } = await exchange(
        context,
        Array.from({ length: pairs.rounds }, (_, round) =>
          [dnsTypes.A, dnsTypes.AAAA].map((type) => ({
            bytes: query({ name, type, id: type }),
            atMs: round * pairs.everyMs,
          })),
        ),
      )
      const a = replies.filter(({ message }) => message?.id === dnsTypes.A)
      const aaaa = replies.filter(({ message }) => message?.id === dnsTypes.AAAA)
      const slowest = Math.max(...replies.map(({ socket, atMs }) => atMs - socket * pairs.everyMs))
      judgement
        .equal('sockets with a reply to A', pairs.rounds, socketsOf(a))
        .equal('sockets with a reply to AAAA', pairs.rounds, socketsOf(aaaa))
        .set('replies to A', [clusterIp], new Set(a.flatMap((one) => rdataOf(one, 'A'))))
        .set('replies to AAAA', ['NOERROR'], new Set(aaaa.map(rcodeOf)))
        .atMost('slowest', context.threshold('answerMs'), slowest)
      return `${replies.length} replies, the slowest after ${Math.round(slowest)} ms`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-CON-001',
    sends: `${outstanding.sockets * outstanding.perSocket} queries for five names from ${outstanding.sockets} sockets, all within a tenth of a second`,
    expects: "one reply to each, at its socket, with its ID and its name's address",
    judge: async (context, { judgement, sibling }) => {
      const names = ['web', 'empty', 'manual', 'node-port', 'load-balancer'].map(sibling)
      const known = await exchange(context, [names.map((name, id) => query({ name, id }))])
      const addresses = names.map((_, id) =>
        rdataOf(
          known.replies.find(({ message }) => message?.id === id),
          'A',
        ).join(),
      )
      judgement.equal('names with an address', names.length, new Set(addresses).size)
      const idOf = (socket: number, turn: number): number => socket * 1000 + turn
      const { replies } = await exchange(
        context,
        Array.from({ length: outstanding.sockets }, (_, socket) =>
          Array.from({ length: outstanding.perSocket }, (_, turn) => ({
            bytes: query({
              name: names[(socket + turn) % names.length] ?? '',
              id: idOf(socket, turn),
            }),
            atMs: turn * 5,
          })),
        ),
        { lingerMs: 100 },
      )
      const wanted = new Map<string, string>()
      for (let socket = 0; socket < outstanding.sockets; socket += 1)
        for (let turn = 0; turn < outstanding.perSocket; turn += 1)
          wanted.set(
            `${socket}/${idOf(socket, turn)}`,
            addresses[(socket + turn) % names.length] ?? '',
          )
      const keyOf = ({ socket, message }: Reply): string => `${socket}/${message?.id}`
      const keys = replies.map(keyOf)
      const wrong = replies.filter((one) => wanted.get(keyOf(one)) !== rdataOf(one, 'A').join())
      judgement
        .equal('lost', [], [...wanted.keys()].filter((key) => !keys.includes(key)).slice(0, 10))
        .equal('wrong', [], wrong.map(keyOf).slice(0, 10))
        .equal('replies', wanted.size, replies.length)
      return `${replies.length} replies, each where it belongs`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-CON-002',
    sends: `${flood.perSecond} queries per second from a pod; meanwhile ${samples.count} from another client of the same node`,
    expects:
      "the other client's p99 is at most the threshold; a query without reply counts as forever",
    capabilities: ['node-access'],
    judge: async (context, { judgement, name }) => {
      const turns = (flood.perSecond / flood.sockets) * flood.seconds
      const bytes = query({ name })
      const flooding = exchange(
        context,
        Array.from({ length: flood.sockets }, () =>
          Array.from({ length: turns }, (_, turn) => ({
            bytes,
            atMs: Math.floor((turn * flood.seconds * 1000) / turns),
          })),
        ),
        { at: inPod(context), timeoutMs: flood.seconds * 1000 + 500 },
      )
      const { replies } = await exchange(
        context,
        [
          Array.from({ length: samples.count }, (_, id) => ({
            bytes: query({ name, id }),
            atMs: 100 + id * samples.everyMs,
          })),
        ],
        { at: onHost(context) },
      )
      const flooded = await flooding
      const latencies = Array.from({ length: samples.count }, (_, id) => {
        const got = replies.find(({ message }) => message?.id === id)
        return (got?.atMs ?? Infinity) - 100 - id * samples.everyMs
      }).sort((a, b) => a - b)
      const p99 = latencies[Math.ceil(samples.count * 0.99) - 1] ?? Infinity
      judgement.atMost('p99', context.threshold('p99Ms'), p99)
      return `p99 ${Math.round(p99 * 10) / 10} ms beside a flood of which ${flooded.replies.length} were answered`
    },
  }),
]

function socketsOf(replies: readonly Reply[]): number {
  return new Set(replies.map(({ socket }) => socket)).size
}
