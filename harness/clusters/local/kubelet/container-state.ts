import type { Container, ContainerExit } from './container.ts'
import type { ContainerLog } from './container-log.ts'
import type { ContainerSpec } from './pod.ts'

/** What a kubelet knows of one container; `status.ts` turns it into a containerStatus. */
export interface ContainerState {
  readonly spec: ContainerSpec
  readonly isInit: boolean
  phase:
    | { readonly kind: 'waiting'; readonly reason: string; readonly message?: string }
    | { readonly kind: 'running'; readonly container: Container }
    | { readonly kind: 'terminated'; readonly container: Container; readonly exit: ContainerExit }
  ready: boolean
  started: boolean
  restartCount: number
  last?: { readonly container: Container; readonly exit: ContainerExit }
  /** Logs by attempt: the last one is the current. */
  readonly logs: ContainerLog[]
}

export function newState(spec: ContainerSpec, isInit: boolean): ContainerState {
  return {
    spec,
    isInit,
    phase: { kind: 'waiting', reason: isInit ? 'PodInitializing' : 'ContainerCreating' },
    ready: false,
    started: false,
    restartCount: 0,
    logs: [],
  }
}

/** The reason of a terminated state, as the real kubelet reports it. */
export function exitReason({ code }: ContainerExit): string {
  return code === 0 ? 'Completed' : 'Error'
}
