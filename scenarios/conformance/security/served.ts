import type { CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { describeVolley, failuresOf, volley } from '../support/connect.ts'
import type { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'

/**
 * Waits until the target serves a Service to a pod on a node, and judges that: what has no target exposes nothing.
 * @returns whether it does
 */
export async function isServed(
  context: CheckContext,
  judgement: Judgement,
  index: number,
): Promise<boolean> {
  const host = await clusterIpOf(context, context.fixture(backends), 'web')
  const { accepted, seen } = await eventually(
    () => volley(context, inPod(context, index), { host, port: 81, connections: 3 }),
    (one) => failuresOf(one) === 0,
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  judgement.holds('a Service', 'is served', describeVolley(seen), accepted)
  return accepted
}
