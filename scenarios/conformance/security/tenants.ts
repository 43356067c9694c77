import type { Check } from '../../../harness/api.ts'
import {
  ask,
  countsOf,
  describeAnswers,
  frontOf,
  isHashed,
  isSpread,
  ruledService,
} from '../support/balance.ts'
import { byHeader, destinationRule } from '../support/destination-rules.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { names, rules } from '../support/rules.fixture.ts'

/** What one namespace may do to another. */
export const tenants: readonly Check[] = [
  {
    requirement: 'SEC-TEN-001',
    sends:
      'requests with one value of a header to a Service, after a DestinationRule of another namespace named it by its full name and hashes that header; a rule of its own namespace that came later is in force',
    expects: 'all backends of the Service go on answering',
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const front = await frontOf(context, rules, 'plain')
      const before = { label: 'before', value: 'one' }
      if (!(await isSpread(context, judgement, front, names(3), before)))
        return judgement.assessment('')
      const host = `plain.${context.fixture(rules)}.svc.${context.cluster.topology.clusterDomain}`
      await context.apply([destinationRule('plain', byHeader, { host })])
      const later = await ruledService(context, judgement, byHeader)
      const marker = { at: inPod(context), host: later.host }
      if (!(await isHashed(context, judgement, marker, 'the later rule')).accepted)
        return judgement.assessment('')
      const seen = await ask(context, front, 'http', {
        connections: 60,
        concurrency: 4,
        value: 'one',
      })
      judgement.equal('failures', {}, seen.failures)
      judgement.atLeast(
        'answers of the backend with the fewest',
        1,
        Math.min(...countsOf(seen.order, names(3))),
        'requests',
      )
      return judgement.assessment(describeAnswers(seen))
    },
  },
]
