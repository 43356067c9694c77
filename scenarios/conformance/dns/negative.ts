import { plain } from './expect.ts'
import type { Check } from '../../../harness/api.ts'
import { askRaw, describeReply, rcodeOf, type Reply } from '../support/dns-exchange.ts'
import { dnsTypes, query } from '../support/dns-packets.ts'
import type { Judgement } from '../support/judgement.ts'
import { protocolCheck } from './protocol-check.ts'

/** What is not there: RFC 2308. */
export const negative: readonly Check[] = [
  protocolCheck({
    requirement: 'DNSP-NEG-001',
    sends: 'A queries for a Service and a namespace that do not exist',
    expects: 'NXDOMAIN without answers, with the SOA record of the zone in the authority section',
    judge: async (context, { judgement, sibling }) => {
      const { clusterDomain } = context.cluster.topology
      const replies = await askRaw(context, [
        query({ name: sibling('missing'), id: 1 }),
        query({ name: `web.no-such-namespace.svc.${clusterDomain}`, id: 2 }),
      ])
      for (const got of replies) negativeWithSoa(judgement, 'NXDOMAIN', got, clusterDomain)
      return replies.map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-NEG-002',
    sends: 'TXT and MX queries for a Service that has an A record',
    expects: 'NOERROR without answers, with the SOA record of the zone in the authority section',
    judge: async (context, { judgement, name }) => {
      const replies = await askRaw(context, [
        query({ name, type: dnsTypes.TXT, id: 1 }),
        query({ name, type: dnsTypes.MX, id: 2 }),
      ])
      for (const got of replies)
        negativeWithSoa(judgement, 'NOERROR', got, context.cluster.topology.clusterDomain)
      return replies.map(describeReply).join('; ')
    },
  }),
  protocolCheck({
    requirement: 'DNSP-NEG-003',
    sends: 'queries for a name and for a type that do not exist',
    expects: 'min(TTL of the SOA record, its MINIMUM) is at most the threshold',
    judge: async (context, { judgement, name, sibling }) => {
      const replies = await askRaw(context, [
        query({ name: sibling('missing'), id: 1 }),
        query({ name, type: dnsTypes.TXT, id: 2 }),
      ])
      const seconds = replies.map(rememberedSeconds)
      seconds.forEach((one, index) =>
        judgement.atMost(
          index === 0 ? 'no such name' : 'no such type',
          context.threshold('negativeTtlSeconds'),
          one,
          's',
        ),
      )
      return `remembered for ${seconds.join(' and ')} s; ${context.threshold('recommendedTtlSeconds')} s is recommended`
    },
  }),
  protocolCheck({
    requirement: 'DNSP-NEG-005',
    sends: 'A and AAAA queries for www.example.com with each suffix of a search list',
    expects: 'NXDOMAIN, so that the stub resolver tries the next',
    judge: async (context, { judgement, sibling }) => {
      const { clusterDomain } = context.cluster.topology
      const external = 'www.example.com'
      const names = [sibling(external), `${external}.svc.${clusterDomain}`]
      const asked = names.flatMap((name) => [
        { name, type: dnsTypes.A },
        { name, type: dnsTypes.AAAA },
      ])
      const replies = await askRaw(
        context,
        asked.map((one, id) => query({ ...one, id })),
      )
      asked.forEach(({ name, type }, index) =>
        judgement.equal(`${name} type ${type}`, 'NXDOMAIN', rcodeOf(replies[index])),
      )
      return replies.map(describeReply).join('; ')
    },
  }),
]

function negativeWithSoa(
  judgement: Judgement,
  rcode: string,
  got: Reply | undefined,
  zone: string,
): void {
  judgement
    .equal('rcode', rcode, rcodeOf(got))
    .equal('answers', [], got?.message?.answers)
    .equal('authority', [`SOA ${zone}`], got?.message?.authorities.map(typeAndName))
}

function typeAndName({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${type} ${plain(name)}`
}

/** RFC 2308 section 5. Without an SOA record it may not be kept at all, but nobody keeps to that: unbounded. */
function rememberedSeconds(got: Reply | undefined): number {
  const soa = got?.message?.authorities.find(({ type }) => type === 'SOA')
  if (soa === undefined) return Infinity
  const { minimum = Infinity } = JSON.parse(soa.data) as { minimum?: number }
  return Math.min(soa.ttlSeconds, minimum)
}
