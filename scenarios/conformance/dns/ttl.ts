import type { Check, CheckContext } from '../../../harness/api.ts'
import { askRaw, type ResourceRecord } from '../support/dns-exchange.ts'
import { dnsTypes, query } from '../support/dns-packets.ts'
import { crowd, crowdName, untilCrowded } from './crowd.fixture.ts'
import { type KnownName, protocolCheck } from './protocol-check.ts'

/** Times to live of what the zone says. */
export const ttl: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-TTL-001',
    sends: 'A and SRV queries for Services with and without ClusterIP',
    expects: 'records whose TTL is between 0 and the threshold',
    fixtures: [crowd],
    judge: async (context, known) => {
      const records = await severalRecords(context, known)
      const ttls = records.map(({ ttlSeconds }) => ttlSeconds)
      known.judgement
        .atLeast('records', 1, records.length, 'records')
        .atLeast('smallest TTL', 0, Math.min(...ttls), 's')
        .atMost('largest TTL', context.threshold('ttlSeconds'), Math.max(...ttls), 's')
      return `TTLs: ${[...new Set(ttls)].join(', ')} s`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-TTL-002',
    sends: 'A and SRV queries for Services with and without ClusterIP',
    expects: 'in each RRset equal TTLs and no record twice',
    fixtures: [crowd],
    judge: async (context, known) => {
      const records = await severalRecords(context, known)
      const keyOf = ({ name, type }: ResourceRecord): string => `${name.toLowerCase()} ${type}`
      const sets = new Map(
        records.map((one) => [keyOf(one), records.filter((other) => keyOf(other) === keyOf(one))]),
      )
      known.judgement.atLeast('RRsets', 1, sets.size, 'RRsets')
      for (const [key, set] of sets) {
        const data = set.map((one) => one.data)
        known.judgement
          .equal(`${key}: TTLs`, 1, new Set(set.map(({ ttlSeconds }) => ttlSeconds)).size)
          .set(`${key}: records`, new Set(data), data)
      }
      return `${sets.size} RRsets, ${records.length} records`
    },
  }),
]

/** Answers of one and of several records, of addresses and of Services. */
async function severalRecords(
  context: CheckContext,
  { name }: KnownName,
): Promise<readonly ResourceRecord[]> {
  await untilCrowded(context, 'few')
  const few = crowdName(context, 'few')
  const replies = await askRaw(context, [
    query({ name, id: 1 }),
    query({ name: few, id: 2 }),
    query({ name: few, type: dnsTypes.SRV, id: 3 }),
  ])
  return replies.flatMap((got) => got?.message?.answers ?? [])
}
