import type { Check } from '../../../harness/api.ts'
import { askRaw, describeReply, rcodeOf, type Reply } from '../support/dns-exchange.ts'
import { dnsTypes, query } from '../support/dns-packets.ts'
import type { Judgement } from '../support/judgement.ts'
import { protocolCheck } from './protocol-check.ts'

const classes = { CH: 3, HS: 4, CLASS1234: 1234 } as const
const opcodes = { STATUS: 2, UPDATE: 5, 'opcode 15': 15 } as const

/** Types, classes and opcodes beyond A and AAAA. */
export const types: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-TYPE-001',
    sends: 'queries of TYPE65280 for an existing and a missing name',
    expects: 'NOERROR without answers for the former, NXDOMAIN for the latter',
    judge: async (context, { judgement, name, sibling }) => {
      const type = dnsTypes.TYPE65280
      const [existing, missing] = await askRaw(context, [
        query({ name, type, id: 1 }),
        query({ name: sibling('missing'), type, id: 2 }),
      ])
      noData(judgement, 'existing', existing)
      judgement.equal('missing: rcode', 'NXDOMAIN', rcodeOf(missing))
      return [existing, missing].map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TYPE-002',
    sends: 'HTTPS (65) and SVCB (64) queries for a Service',
    expects: 'NOERROR without answers, within the threshold',
    judge: async (context, { judgement, name }) => {
      const replies = await askRaw(context, [
        query({ name, type: dnsTypes.HTTPS, id: 1 }),
        query({ name, type: dnsTypes.SVCB, id: 2 }),
      ])
      replies.forEach((got, index) => {
        const type = index === 0 ? 'HTTPS' : 'SVCB'
        noData(judgement, type, got)
        judgement.atMost(`${type}: after`, context.threshold('answerMs'), got?.atMs ?? Infinity)
      })
      return replies.map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TYPE-003',
    sends: 'an ANY query for a Service',
    expects: 'NOERROR in at most so many bytes, or NOTIMP',
    judge: async (context, { judgement, name }) => {
      const [got] = await askRaw(context, [query({ name, type: dnsTypes.ANY })])
      const rcode = rcodeOf(got)
      judgement
        .holds('rcode', 'NOERROR or NOTIMP', rcode, ['NOERROR', 'NOTIMP'].includes(rcode))
        .atMost('size', context.threshold('answerBytes'), got?.bytes.length ?? Infinity, 'bytes')
        .equal('TC', false, got?.message?.truncated)
      return `${got?.bytes.length} bytes: ${describeReply(got)}`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TYPE-004',
    sends: 'MX, TXT, NS and CAA queries for a Service',
    expects: 'NOERROR without answers',
    judge: async (context, { judgement, name }) => {
      const asked = ['MX', 'TXT', 'NS', 'CAA'] as const
      const replies = await askRaw(
        context,
        asked.map((type, id) => query({ name, type: dnsTypes[type], id })),
      )
      asked.forEach((type, index) => {
        noData(judgement, type, replies[index])
      })
      return replies.map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-CLS-001',
    sends: `A queries of the classes ${Object.keys(classes).join(', ')}`,
    expects: 'REFUSED or NOTIMP',
    judge: async (context, { judgement, name }) => {
      const replies = await askRaw(
        context,
        Object.values(classes).map((one, id) => query({ name, class: one, id })),
      )
      Object.keys(classes).forEach((label, index) => {
        const rcode = rcodeOf(replies[index])
        judgement.holds(label, 'REFUSED or NOTIMP', rcode, ['REFUSED', 'NOTIMP'].includes(rcode))
      })
      return replies.map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-OPC-001',
    sends: `messages with ${Object.keys(opcodes).join(', ')}`,
    expects: 'NOTIMP with the same ID',
    judge: async (context, { judgement, name }) => {
      const replies = await askRaw(
        context,
        Object.values(opcodes).map((opcode, index) => query({ name, opcode, id: 500 + index })),
      )
      Object.keys(opcodes).forEach((label, index) =>
        judgement
          .equal(`${label}: rcode`, 'NOTIMP', rcodeOf(replies[index]))
          .equal(`${label}: ID`, 500 + index, replies[index]?.message?.id),
      )
      return replies.map(describeReply).join('; ')
    },
  }),
]

function noData(judgement: Judgement, what: string, got: Reply | undefined): void {
  judgement
    .equal(`${what}: rcode`, 'NOERROR', rcodeOf(got))
    .equal(`${what}: answers`, [], got?.message?.answers)
}
