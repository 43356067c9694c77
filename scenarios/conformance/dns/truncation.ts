import type { Check } from '../../../harness/api.ts'
import { askRaw, askTcp, describeReply, rdataOf } from '../support/dns-exchange.ts'
import { query } from '../support/dns-packets.ts'
import { addressesOf, crowd, crowdName, crowds, untilCrowded } from './crowd.fixture.ts'
import { protocolCheck } from './protocol-check.ts'

/** Answers that do not fit into a datagram. */
export const truncation: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-TC-001',
    sends: `an A query without EDNS for a headless Service with ${crowds.fifty} endpoints`,
    expects: 'a datagram of at most 512 bytes with TC=1',
    fixtures: [crowd],
    judge: async (context, { judgement }) => {
      await untilCrowded(context, 'fifty')
      const [got] = await askRaw(context, [query({ name: crowdName(context, 'fifty') })])
      judgement
        .atMost('size', context.threshold('answerBytes'), got?.bytes.length ?? Infinity, 'bytes')
        .equal('TC', true, got?.message?.truncated)
      return `${got?.bytes.length} bytes: ${describeReply(got)}`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TC-002',
    sends: `A queries that advertise 1232 bytes for headless Services with ${crowds.fifty} and ${crowds.hundred} endpoints`,
    expects: 'datagrams of at most 1232 bytes; without TC all endpoints are in it',
    fixtures: [crowd],
    judge: async (context, { judgement }) => {
      const told: string[] = []
      for (const size of ['fifty', 'hundred'] as const) {
        await untilCrowded(context, size)
        const opts = [{ sizeBytes: 1232 }]
        const [got] = await askRaw(context, [query({ name: crowdName(context, size), opts })])
        const count = rdataOf(got, 'A').length
        judgement
          .atMost(size, context.threshold('answerBytes'), got?.bytes.length ?? Infinity, 'bytes')
          .holds(
            `${size}: TC`,
            `TC=1 or ${crowds[size]} records`,
            `TC=${got?.message?.truncated === true ? 1 : 0}, ${count} records`,
            got?.message?.truncated === true || count === crowds[size],
          )
        told.push(`${size}: ${got?.bytes.length} bytes, ${count} records`)
      }
      return told.join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TC-003',
    sends: `an A query for a headless Service with ${crowds.fifty} endpoints by UDP, then again by TCP`,
    expects: 'TC=1 by UDP; by TCP every endpoint and TC=0',
    fixtures: [crowd],
    judge: async (context, { judgement }) => {
      await untilCrowded(context, 'fifty')
      const message = query({ name: crowdName(context, 'fifty') })
      const [cut] = await askRaw(context, [message])
      const [whole] = await askTcp(context, [message])
      judgement
        .equal('UDP: TC', true, cut?.message?.truncated)
        .equal('TCP: TC', false, whole?.message?.truncated)
        .set('TCP: A records', addressesOf('fifty'), rdataOf(whole, 'A'))
      return describeReply(whole)
    },
  }),
]
