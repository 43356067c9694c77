import type { Check } from '../../../harness/api.ts'
import { clusterIpOf, podsOf } from '../support/cluster-facts.ts'
import { control } from '../support/connect.ts'
import { destinationRule } from '../support/destination-rules.ts'
import { Judgement } from '../support/judgement.ts'
import { backendsOnNodes, everyPort, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { podsReady, rules } from '../support/rules.fixture.ts'
import { ask, countsOf, describeAnswers, isSpread } from '../support/balance.ts'

const requests = 450

/** How much longer the slow backend takes. */
const slowMs = 200

/** z with P(Z > z) = 0.001. */
const quantile = 3.09

/** Requests go where few are under way. */
export const leastRequest: readonly Check[] = [
  {
    requirement: 'LB-LR-001',
    sends: `${requests} requests, 12 at a time, to a Service with LEAST_REQUEST, one of whose three backends takes ${slowMs} ms longer`,
    expects: 'the slow one answers fewer than chance gives it once in a thousand times',
    fixtures: [rules],
    run: async (context) => {
      const judgement = new Judgement()
      const { namespace } = context
      await context.apply([
        ...backendsOnNodes(context, 'own', 3),
        service('own', everyPort),
        destinationRule('own', { simple: 'LEAST_REQUEST' }),
      ])
      await podsReady(context, namespace, 3)
      const front = { at: inPod(context), host: await clusterIpOf(context, namespace, 'own') }
      const members = ['own-0', 'own-1', 'own-2']
      if (!(await isSpread(context, judgement, front, members, { label: 'before' })))
        return judgement.assessment('')
      const [slow] = await podsOf(context, namespace)
      await control(context, slow?.ip ?? '', '/behave', { http: { delayMs: slowMs } })
      const seen = await ask(context, front, 'http', { connections: requests, concurrency: 12 })
      judgement.equal('failures', {}, seen.failures)
      const [slowCount = 0] = countsOf(seen.order, members)
      const byChance = requests / 3 - quantile * Math.sqrt((requests * 2) / 9)
      judgement.atMost('answers of the slow one', Math.floor(byChance), slowCount, 'requests')
      return judgement.assessment(describeAnswers(seen))
    },
  },
]
