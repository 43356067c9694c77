import type { Check } from '../../../harness/api.ts'
import { askRaw, describeReply, rcodeOf, rdataOf } from '../support/dns-exchange.ts'
import { query } from '../support/dns-packets.ts'
import { protocolCheck } from './protocol-check.ts'
import { crowd, crowdName, crowds, untilCrowded } from './crowd.fixture.ts'

const dnssecOk = 0x8000

/** Experimental use (RFC 6891 section 9): nobody knows it. */
const unknownOption = 65_001

/** EDNS(0): RFC 6891. */
export const edns: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-EDNS-001',
    sends: 'A queries with an OPT record and without, for an existing and a missing name',
    expects: 'one OPT record in replies to the former, none in replies to the latter',
    judge: async (context, { judgement, name, sibling }) => {
      const names = [name, sibling('missing')]
      for (const asked of names) {
        const [plain, extended] = await askRaw(context, [
          query({ name: asked, id: 1 }),
          query({ name: asked, id: 2, opts: [{}] }),
        ])
        judgement
          .equal(`${asked} without OPT`, 0, plain?.message?.opts.length)
          .equal(`${asked} with OPT`, 1, extended?.message?.opts.length)
      }
      return 'OPT exactly where there was one'
    },
  }),
  protocolCheck({
    requirement: 'DNSP-EDNS-002',
    sends: 'an A query with EDNS version 1',
    expects: 'BADVERS (16), with an OPT record of version 0 and no answers',
    judge: async (context, { judgement, name }) => {
      const [got] = await askRaw(context, [query({ name, opts: [{ version: 1 }] })])
      judgement
        .equal('rcode', 'BADVERS', rcodeOf(got))
        .equal(
          'versions',
          [0],
          got?.message?.opts.map(({ version }) => version),
        )
        .equal('answers', [], got?.message?.answers)
      return describeReply(got)
    },
  }),
  protocolCheck({
    requirement: 'DNSP-EDNS-003',
    sends: `an A query with the EDNS option ${unknownOption} of four bytes`,
    expects: 'the answer as without it, and no such option in the reply',
    judge: async (context, { judgement, name, clusterIp }) => {
      const options = [{ code: unknownOption, data: Buffer.from('mesh') }]
      const [got] = await askRaw(context, [query({ name, opts: [{ options }] })])
      judgement
        .equal('rcode', 'NOERROR', rcodeOf(got))
        .equal('A records', [clusterIp], rdataOf(got, 'A'))
        .equal(
          'the option comes back',
          false,
          got?.message?.opts.some(({ optionCodes }) => optionCodes.includes(unknownOption)),
        )
      return describeReply(got)
    },
  }),
  protocolCheck({
    requirement: 'DNSP-EDNS-004',
    sends: 'A queries with all reserved Z bits of OPT, with DO and without',
    expects: 'the answer as without them; in the reply the Z bits are zero and DO is copied',
    judge: async (context, { judgement, name, clusterIp }) => {
      const replies = await askRaw(context, [
        query({ name, id: 1, opts: [{ flags: 0x7fff | dnssecOk }] }),
        query({ name, id: 2, opts: [{ flags: 0x7fff }] }),
      ])
      replies.forEach((got, index) =>
        judgement.equal(`${index}: A records`, [clusterIp], rdataOf(got, 'A')).equal(
          `${index}: flags`,
          [index === 0 ? dnssecOk : 0],
          got?.message?.opts.map(({ flags }) => flags),
        ),
      )
      return replies.map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-EDNS-005',
    sends: `an A query that advertises 100 bytes for a Service with ${crowds.few} endpoints`,
    expects: 'all of them, in at most 512 bytes: nothing is cut below what every client takes',
    fixtures: [crowd],
    judge: async (context, { judgement }) => {
      await untilCrowded(context, 'few')
      const name = crowdName(context, 'few')
      const [got] = await askRaw(context, [query({ name, opts: [{ sizeBytes: 100 }] })])
      judgement
        .atMost('size', context.threshold('answerBytes'), got?.bytes.length ?? Infinity, 'bytes')
        .equal('TC', false, got?.message?.truncated)
        .equal('A records', crowds.few, rdataOf(got, 'A').length)
      return `${got?.bytes.length} bytes: ${describeReply(got)}`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-EDNS-006',
    sends: 'an A query with two OPT records',
    expects: 'the response code FORMERR',
    judge: async (context, { judgement, name }) => {
      const [got] = await askRaw(context, [query({ name, opts: [{}, {}] })])
      judgement.equal('rcode', 'FORMERR', rcodeOf(got))
      return describeReply(got)
    },
  }),
]
