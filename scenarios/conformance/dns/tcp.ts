import type { Check, CheckContext, Stream } from '../../../harness/api.ts'
import {
  askRaw,
  askTcp,
  describeReply,
  rcodeOf,
  rdataOf,
  stubTimeoutMs,
} from '../support/dns-exchange.ts'
import { dnsServer } from '../support/dns.ts'
import { dnsTypes, framed, query } from '../support/dns-packets.ts'
import { inPod } from '../support/positions.ts'
import { protocolCheck } from './protocol-check.ts'

/** Queries that one client sends without waiting (DNSP-TCP-003). */
const pipelined = 20

/** Clients that connect and say nothing (DNSP-TCP-005). */
const idleClients = 200

/** DNS over TCP: RFC 7766. */
export const tcp: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-TCP-001',
    sends:
      'A queries for an existing and a missing name by UDP and by TCP, to one address and port',
    expects: 'the same response code and records',
    judge: async (context, { judgement, name, clusterIp, sibling }) => {
      for (const asked of [name, sibling('missing')]) {
        const message = query({ name: asked })
        const [udp] = await askRaw(context, [message])
        const [tcp] = await askTcp(context, [message])
        judgement
          .equal(`${asked}: rcode`, rcodeOf(udp), rcodeOf(tcp))
          .equal(`${asked}: A`, rdataOf(udp, 'A'), rdataOf(tcp, 'A'))
        if (asked === name) judgement.equal('A by TCP', [clusterIp], rdataOf(tcp, 'A'))
      }
      return `NOERROR ${clusterIp}, NXDOMAIN`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TCP-002',
    sends: 'a query by TCP: length and body in segments of 1, 1, 5 and 9 bytes, and the rest',
    expects: 'the answer',
    judge: async (context, { judgement, name, clusterIp }) => {
      const [got] = await askTcp(context, [query({ name, id: 9 })], { segments: [1, 1, 5, 9] })
      judgement.equal('ID', 9, got?.message?.id).equal('A records', [clusterIp], rdataOf(got, 'A'))
      return describeReply(got)
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TCP-003',
    sends: `${pipelined} queries of different types on one connection, without waiting`,
    expects: 'a reply to each, with its ID and the records of its type, in any order',
    judge: async (context, { judgement, name, clusterIp }) => {
      const types = [dnsTypes.A, dnsTypes.TXT]
      const replies = await askTcp(
        context,
        Array.from({ length: pipelined }, (_, id) =>
          query({ name, id, type: types[id % 2] ?? dnsTypes.A }),
        ),
      )
      const seen = replies.map((got) => `${got.message?.id}: ${rdataOf(got, 'A').join()}`)
      judgement.set(
        'ID: A records',
        Array.from({ length: pipelined }, (_, id) => `${id}: ${id % 2 === 0 ? clusterIp : ''}`),
        seen,
      )
      return `${replies.length} replies`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TCP-004',
    sends: 'a query by TCP, and nothing more after its reply',
    expects: 'the server closes the connection, neither at once nor never',
    timeoutMs: 90_000,
    judge: async (context, { judgement, name }) => {
      const stream = await connected(context)
      try {
        await stream.play(
          [
            { do: 'send', base64: framed(query({ name })).toString('base64') },
            { do: 'read', until: { bytes: 14 }, withinMs: stubTimeoutMs },
          ],
          context,
        )
        const closedMs = context.threshold('closedMs')
        const idle = await stream.play(
          [
            { do: 'read', until: { quietMs: 200 }, withinMs: stubTimeoutMs },
            { do: 'read', until: 'end', withinMs: closedMs },
          ],
          context,
        )
        const { state } = idle
        judgement
          .holds('closed', 'the peer ends or resets', state, state === 'end' || state === 'reset')
          .atLeast('idle', context.threshold('openMs'), idle.durationMs)
          .atMost('idle', closedMs, idle.durationMs)
        return `closed after ${Math.round(idle.durationMs)} ms`
      } finally {
        await stream[Symbol.asyncDispose]()
      }
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TCP-005',
    sends: `a query by UDP and one by TCP while ${idleClients} clients are connected and say nothing`,
    expects: 'both are answered',
    judge: async (context, { judgement, name, clusterIp }) => {
      const probe = await context.probe(inPod(context))
      const { address: host, port } = dnsServer(context)
      const streams = await Promise.all(
        Array.from({ length: idleClients }, () =>
          probe.stream({ host, port, timeoutMs: 10_000 }, context),
        ),
      )
      try {
        const [udp] = await askRaw(context, [query({ name })])
        const [tcp] = await askTcp(context, [query({ name })])
        judgement
          .equal('UDP', [clusterIp], rdataOf(udp, 'A'))
          .equal('TCP', [clusterIp], rdataOf(tcp, 'A'))
        const open = streams.filter(({ opened }) => opened.kind === 'opened').length
        return `answered beside ${open} idle clients`
      } finally {
        await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()))
      }
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TCP-006',
    sends: 'a query by TCP, and FIN right after it',
    expects: 'the answer',
    judge: async (context, { judgement, name, clusterIp }) => {
      const [got] = await askTcp(context, [query({ name })], { end: true })
      judgement.equal('A records', [clusterIp], rdataOf(got, 'A'))
      return describeReply(got)
    },
  }),
]

/** @throws Error when it does not connect: another row's matter */
async function connected(context: CheckContext): Promise<Stream> {
  const { address: host, port } = dnsServer(context)
  const probe = await context.probe(inPod(context))
  const stream = await probe.stream({ host, port, timeoutMs: stubTimeoutMs }, context)
  if (stream.opened.kind !== 'opened')
    throw new Error(`no connection to ${host}:${port}: ${stream.opened.detail}`)
  return stream
}
