import type { Check, Position } from '../../../harness/api.ts'
import {
  askRaw,
  describeReply,
  exchange,
  rcodeOf,
  rdataOf,
  type Reply,
} from '../support/dns-exchange.ts'
import { dnsServer } from '../support/dns.ts'
import { dnsTypes, query, questionOf, recased, seeded } from '../support/dns-packets.ts'
import { inPod, onHost } from '../support/positions.ts'
import { protocolCheck } from './protocol-check.ts'

/** Different writings of one name that are asked for (DNSP-HDR-002). */
const casings = 100

/** A datagram that must not come would have come by then: replies to what was sent at the same time did. */
const silenceMs = 300

/** The header and the question of a reply: RFC 1035 section 4.1.1. */
export const header: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-HDR-001',
    sends: 'queries with seeded IDs and mixed case for an existing, a typeless and a missing name',
    expects: 'replies with the same ID, opcode QUERY, QR=1 and the question section byte for byte',
    judge: async (context, { judgement, name, sibling }) => {
      const random = seeded(context.seed)
      const asked = [
        { name, type: dnsTypes.A },
        { name, type: dnsTypes.AAAA },
        { name: sibling('missing'), type: dnsTypes.A },
      ].map(({ name, type }) =>
        query({ name: recased(name, random), type, id: Math.floor(random() * 0x10000) }),
      )
      const replies = await askRaw(context, asked)
      asked.forEach((sent, index) => {
        const got = replies[index]
        judgement
          .equal(`reply ${index}: ID`, sent.readUInt16BE(0), got?.message?.id)
          .equal(`reply ${index}: QR`, true, got?.message?.isResponse)
          .equal(`reply ${index}: opcode`, 0, got?.message?.opcode)
          .equal(`reply ${index}: question`, hexOf(sent), got === undefined ? '' : hexOf(got.bytes))
      })
      return replies.map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-HDR-002',
    sends: `${casings} A queries whose letters are each in a seeded case`,
    expects: 'NOERROR with the ClusterIP each time',
    judge: async (context, { judgement, name, clusterIp }) => {
      const random = seeded(context.seed)
      const messages = Array.from({ length: casings }, (_, id) =>
        query({ name: recased(name, random), id }),
      )
      // why: five from one socket at a time, so that no queue of the kernel overflows
      const sockets = Array.from({ length: casings / 5 }, (_, index) =>
        messages
          .slice(index * 5, index * 5 + 5)
          .map((bytes) => ({ bytes, atMs: Math.floor(index / 4) * 10 })),
      )
      const { replies } = await exchange(context, sockets)
      const answers = new Map<string, number>()
      for (const one of replies) {
        const answer = `${rcodeOf(one)} ${rdataOf(one, 'A').join(' ')}`
        answers.set(answer, (answers.get(answer) ?? 0) + 1)
      }
      judgement.equal(
        'answers and how often',
        { [`NOERROR ${clusterIp}`]: casings },
        Object.fromEntries(answers),
      )
      return `${casings} x NOERROR ${clusterIp}`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-HDR-003',
    sends:
      'an A query in lower case, which a cache may keep, then one whose letters are each in a seeded case',
    expects: "the owner name of the answer is the question's, case included",
    judge: async (context, { judgement, name }) => {
      const asked = recased(name, seeded(context.seed))
      await askRaw(context, [query({ name: name.toLowerCase() })])
      const [got] = await askRaw(context, [query({ name: asked })])
      judgement.set('owner names', [asked], new Set(got?.message?.answers.map((one) => one.name)))
      return describeReply(got)
    },
  }),
  protocolCheck({
    requirement: 'DNSP-HDR-004',
    sends: 'queries for an A record, a type that is not there and a name that is not there',
    expects: 'AA=1 in every reply',
    judge: async (context, { judgement, name, sibling }) => {
      const replies = await askRaw(context, [
        query({ name, id: 1 }),
        query({ name, id: 2, type: dnsTypes.TXT }),
        query({ name: sibling('missing'), id: 3 }),
      ])
      const [record, noData, noName] = replies
      judgement
        .equal('A record: AA', true, record?.message?.authoritative)
        .equal('no such type: AA', true, noData?.message?.authoritative)
        .equal('no such name: AA', true, noName?.message?.authoritative)
      return replies.map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-HDR-007',
    sends: 'A queries to the address of the server from unconnected sockets, in pods and on nodes',
    expects: 'every reply comes from the address and port that was asked',
    knownOver: 'tcp',
    judge: async (context, { judgement }) => {
      const { address, port } = dnsServer(context)
      const places: Position[] = [inPod(context), inPod(context, 1)]
      if (context.cluster.capabilities.has('node-access'))
        places.push(onHost(context), onHost(context, 1))
      for (const at of places) {
        // why: a reply from elsewhere counts, too; what is judged is where it comes from
        const messages = [query({ name: context.cluster.topology.clusterDomain, id: 7 })]
        const { replies } = await exchange(context, [messages], { at })
        const senders = new Set(replies.map(({ from }) => from))
        judgement.set(`${at.network} of ${at.node}: from`, [`${address}:${port}`], senders)
      }
      return `all from ${address}:${port}`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-HDR-008',
    sends: 'a packet with QR=1, and then a query from the same socket',
    expects: 'a reply to the query alone',
    judge: async (context, { judgement, name }) => {
      const { replies } = await exchange(
        context,
        [[query({ name, id: 100, response: true }), query({ name, id: 101 })]],
        { expect: 1, lingerMs: silenceMs },
      )
      judgement.equal('IDs of replies', [101], idsOf(replies))
      return replies.map(describeReply).join('; ')
    },
  }),
]

function idsOf(replies: readonly Reply[]): readonly (number | undefined)[] {
  return replies.map(({ message }) => message?.id)
}

function hexOf(message: Buffer): string {
  return questionOf(message)
    .toString('latin1')
    .replaceAll(/[^!-~]/g, '.')
}
