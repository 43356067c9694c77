import type { Check } from '../../../harness/api.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, notAnswered } from './follow.ts'
import { endpointOf, fixturePods, ownService, patchService } from './own-service.ts'

/** Labels by which a Service says that it is not for this proxy. */
export const labels: readonly Check[] = [
  unproxiedBy('L4-LIFE-006', 'service.kubernetes.io/service-proxy-name', 'somebody-else'),
  unproxiedBy('L4-LIFE-007', 'service.kubernetes.io/headless', ''),
]

/** A Service gets a label that takes it from this proxy, and loses it again. */
function unproxiedBy(requirement: string, label: string, value: string): Check {
  return {
    requirement,
    sends: `TCP connections from a pod to a Service that gets the label ${label} and loses it again`,
    expects: 'it answers, then not, then again',
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const [pod] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const front = { at: inPod(context), host: own.host, port: 81 }
      const names = [pod.name]
      const judgement = new Judgement()
      const setLabel = (to: string | null): Promise<unknown> =>
        patchService(context, own.name, { metadata: { labels: { [label]: to } } })
      const before = await answeredBy(context, judgement, 'without the label', front, names)
      if (!before.ok) return judgement.assessment('')
      await setLabel(value)
      const labelled = await notAnswered(context, judgement, 'with the label', front)
      await setLabel(null)
      const after = await answeredBy(context, judgement, 'without it again', front, names)
      return judgement.assessment(`${before.told}; ${labelled.told}; ${after.told}`)
    },
  }
}
