import type { KubeObject } from '../../model/kubernetes.ts'
import { type Owner, ownerOf } from '../owner.ts'

/** What the objects of a run bear in a cluster that outlives it. */
export interface RunMark {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Its value is the run's id: `kubectl get all -A -l meshmark.dev/run-id` shows what is a run's. */
export const runLabel = 'meshmark.dev/run-id'

/** Who made it, as JSON: another harness on the same machine can tell whether its maker lives. */
const ownerAnnotation = 'meshmark.dev/owner'

/** The mark of a run of this process. */
export async function runMark(runId: string): Promise<RunMark> {
  return {
    labels: { [runLabel]: runId },
    annotations: { [ownerAnnotation]: JSON.stringify(await ownerOf(process.pid)) },
  }
}

/** The mark that an object bears; undefined where it was made by nobody of ours. */
export function markOf({ metadata }: KubeObject): RunMark | undefined {
  const runId = metadata.labels?.[runLabel]
  const owner = metadata.annotations?.[ownerAnnotation]
  if (runId === undefined || owner === undefined) return undefined
  return { labels: { [runLabel]: runId }, annotations: { [ownerAnnotation]: owner } }
}

/** Who made an object; undefined where nothing says so. */
export function makerOf({ metadata }: KubeObject): Owner | undefined {
  try {
    return JSON.parse(metadata.annotations?.[ownerAnnotation] ?? '') as Owner
  } catch {
    return undefined
  }
}
