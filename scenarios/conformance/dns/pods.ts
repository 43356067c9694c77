import type { Check, CheckContext, Fixture } from '../../../harness/api.ts'
import { askUntil, dataOf, describeAnswer } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { podsOf } from '../support/cluster-facts.ts'
import { backendPod } from '../support/objects.ts'
import { expectNone, expectRecords, patience } from './expect.ts'

/** One pod: names made of addresses are about pods alone. */
const onePod: Fixture = {
  id: 'dns-pod',
  manifests: ({ backendImage }) => [backendPod({ name: 'one', image: backendImage })],
}

/** Names of pods made of their addresses, which specification 1.1.0 no longer has. */
export const pods: readonly Check[] = [
  {
    requirement: 'DNS-POD-001',
    sends: "an A query for <a pod's address with dashes>.<its namespace>.pod.<zone>",
    expects: 'NOERROR and that address',
    fixtures: [onePod],
    run: async (context) => {
      const judgement = new Judgement()
      const ip = await addressOfPod(context)
      await expectRecords(context, judgement, { name: podName(context, ip) }, { data: [ip] })
      return judgement.assessment(ip)
    },
  },
  {
    requirement: 'DNS-POD-002',
    sends: 'an A query for the name of an address that no pod of the namespace has',
    expects: 'NXDOMAIN: a server that makes up such answers vouches for any address',
    fixtures: [onePod],
    run: async (context) => {
      const judgement = new Judgement()
      const ip = await addressOfPod(context)
      await expectRecords(context, judgement, { name: podName(context, ip) }, { data: [ip] })
      await expectNone(context, judgement, { name: podName(context, '192.0.2.77') }, 'NXDOMAIN')
      return judgement.assessment('NXDOMAIN')
    },
  },
  {
    requirement: 'DNS-POD-003',
    sends: 'an A query for pod.<zone>',
    expects: 'NOERROR without answers',
    run: async (context) => {
      const judgement = new Judgement()
      const name = `pod.${context.cluster.topology.clusterDomain}`
      const { seen } = await askUntil(
        context,
        { name },
        ({ rcode }) => rcode === 'NOERROR',
        patience(judgement),
      )
      judgement.equal('response code', 'NOERROR', seen.kind === 'dns' ? seen.rcode : seen.kind)
      judgement.set('A records', [], dataOf(seen, 'A'))
      return judgement.assessment(describeAnswer(seen))
    },
  },
]

async function addressOfPod(context: CheckContext): Promise<string> {
  const [pod] = await podsOf(context, context.fixture(onePod))
  if (pod === undefined) throw new Error('the pod has no address')
  return pod.ip
}

function podName(context: CheckContext, ip: string): string {
  const namespace = context.fixture(onePod)
  return `${ip.replaceAll('.', '-')}.${namespace}.pod.${context.cluster.topology.clusterDomain}`
}
