import type { ResourceType } from '../../../model/kubernetes.ts'
import type { ControllerContext } from './context.ts'
import { keyOf, keyParts, type Pod, type Workload } from './objects.ts'
import type { Queue } from './queue.ts'

/** Which of the ready pods are available: ready for as long as the workload wants; it is looked at again when some are not yet. */
export function availableOf(set: Workload, ready: readonly Pod[], queue: Queue): readonly Pod[] {
  const minReadyMs = (set.spec.minReadySeconds ?? 0) * 1000
  const available = ready.filter((pod) => readyForMs(pod) >= minReadyMs)
  if (available.length < ready.length)
    queue.addAfter(keyOf(set.metadata), Math.max(100, minReadyMs / 4))
  return available
}

/** Writes the fields of a workload's status, when one is another than before; a field that is absent counts as 0. */
export async function writeStatus(
  { client, signal }: Pick<ControllerContext, 'client' | 'signal'>,
  type: ResourceType,
  set: Workload,
  status: Readonly<Record<string, number | undefined>>,
): Promise<void> {
  const old = set.status ?? {}
  if (Object.entries(status).every(([field, value]) => (Reflect.get(old, field) ?? 0) === value))
    return
  await client.patch(
    type,
    keyParts(keyOf(set.metadata)),
    { status },
    { signal, type: 'merge', subresource: 'status' },
  )
}

/** Milliseconds since the pod became ready; 0 when that is not known. */
function readyForMs(pod: Pod): number {
  const since = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
  return since === undefined ? 0 : Date.now() - Date.parse(since)
}
