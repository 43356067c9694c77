import type { KubeObject } from '../../model/kubernetes.ts'

/** What is read of a pod of a Job. */
export interface PodView extends KubeObject {
  readonly spec?: { readonly nodeName?: string }
  readonly status?: {
    readonly phase?: string
    readonly podIP?: string
    readonly conditions?: readonly Condition[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

interface ContainerStatus {
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string }
    readonly running?: object
    readonly terminated?: { readonly exitCode: number; readonly reason?: string }
  }
}

/** What a kubelet waits for and gets in the end; every other reason is one that nobody cures during a run. */
const passing: ReadonlySet<string> = new Set(['PodInitializing', 'ContainerCreating', ''])

export function phaseOf({ status }: PodView): 'waiting' | 'running' | 'ended' {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return 'ended'
  const [main] = status?.containerStatuses ?? []
  return main?.state?.running === undefined ? 'waiting' : 'running'
}

/** Why a pod will not start; undefined while it may. */
export function whyItCannotStart({ status }: PodView): string | undefined {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  for (const { state } of all) {
    const { reason = '', message = '' } = state?.waiting ?? {}
    if (!passing.has(reason)) return `${reason}: ${message}`
  }
  const unplaced = status?.conditions?.find(
    ({ type, status: is, reason }) =>
      type === 'PodScheduled' && is === 'False' && reason === 'Unschedulable',
  )
  return unplaced === undefined ? undefined : `no node takes it: ${unplaced.message ?? ''}`
}
