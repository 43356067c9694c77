import type { Check, CheckContext } from '../../../harness/api.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { askUntil, dataOf, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { services } from './services.fixture.ts'

/** How long a conformant target may take to know a Service (DNSF-001). */
const knownMs = 30_000

/** Names of Services that have a ClusterIP: DNS-Based Service Discovery 1.1.0, section 2.3.1. */
export const clusterIp: readonly Check[] = [
  resolvesToClusterIp('DNS-A-001', ['web']),
  resolvesToClusterIp('DNS-A-002', ['empty']),
  resolvesToClusterIp('DNS-A-006', ['node-port', 'load-balancer']),
  resolvesToClusterIp('DNS-A-007', ['manual']),
]

/** Each Service's name has one A record, its ClusterIP: the value is compared, not only that there is one. */
function resolvesToClusterIp(requirement: string, names: readonly string[]): Check {
  return {
    requirement,
    sends: `an A query for ${names.map((name) => `${name}.<namespace>.svc.<zone>`).join(', ')} by UDP from a pod`,
    expects: 'NOERROR and exactly one A record whose data is spec.clusterIP',
    fixtures: [services],
    run: async (context) => {
      const judgement = new Judgement()
      const seen: string[] = []
      for (const name of names) seen.push(await oneAddress(context, judgement, name))
      return judgement.assessment(seen.join('; '))
    },
  }
}

async function oneAddress(
  context: CheckContext,
  judgement: Judgement,
  name: string,
): Promise<string> {
  const namespace = context.fixture(services)
  const wanted = await clusterIpOf(context, namespace, name)
  const { seen } = await askUntil(
    context,
    { name: serviceName(context, name, namespace) },
    ({ rcode }) => rcode === 'NOERROR',
    knownMs,
  )
  judgement.equal(`${name}: rcode`, 'NOERROR', seen.kind === 'dns' ? seen.rcode : seen.kind)
  judgement.set(`${name}: A records`, [wanted], dataOf(seen, 'A'))
  return `${name}: ${describeAnswer(seen)}`
}
