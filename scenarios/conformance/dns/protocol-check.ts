import type { Check, CheckContext, Fixture } from '../../../harness/api.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { askUntil, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { services } from './services.fixture.ts'

/** What a check of the protocol starts with: a name that the target knows. */
export interface KnownName {
  readonly judgement: Judgement
  /** `web.<namespace>.svc.<zone>`. */
  readonly name: string
  readonly clusterIp: string
  /** Another name beside it: `missing` is `missing.<namespace>.svc.<zone>`. */
  readonly sibling: (service: string) => string
}

export type ProtocolCheck = Pick<Check, 'requirement' | 'sends' | 'expects'> &
  Partial<Pick<Check, 'capabilities' | 'timeoutMs'>> & {
    readonly fixtures?: readonly Fixture[]
    /** How it is found out whether the server knows the Service; UDP unless told. */
    readonly knownOver?: 'udp' | 'tcp'
    /** @returns what was seen, in a line */
    readonly judge: (context: CheckContext, known: KnownName) => Promise<string>
  }

/** A check of how the server speaks. It begins when the server knows a Service, so that silence is never conformance. */
export function protocolCheck({
  judge,
  fixtures = [],
  knownOver: transport = 'udp',
  ...check
}: ProtocolCheck): Check {
  return {
    ...check,
    fixtures: [services, ...fixtures],
    run: async (context) => {
      const judgement = new Judgement()
      const namespace = context.fixture(services)
      const sibling = (service: string): string => serviceName(context, service, namespace)
      const name = sibling('web')
      const { seen, accepted } = await askUntil(
        context,
        { name, transport },
        ({ rcode, answers }) => rcode === 'NOERROR' && answers.length > 0,
        context.threshold('convergenceMs'),
      )
      judgement.holds('a Service is known', 'NOERROR', describeAnswer(seen), accepted)
      if (!accepted) return judgement.assessment('')
      const clusterIp = await clusterIpOf(context, namespace, 'web')
      const observed = await judge(context, { judgement, name, clusterIp, sibling })
      return judgement.assessment(observed)
    },
  }
}
