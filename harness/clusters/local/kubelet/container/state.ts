import type { ContainerSpec } from '../pod/pod.ts'
import type { Container, ContainerExit } from './container.ts'
import type { ContainerLog } from './log.ts'

/** A run of a container that is over. */
export interface Termination {
  readonly containerId: string
  readonly startedAt: Date
  readonly exit: Omit<ContainerExit, 'lastOutput'>
  readonly reason: string
  readonly message: string
}

/** What a kubelet knows of one container; `pod/status.ts` turns it into a containerStatus. */
export interface ContainerState {
  readonly spec: ContainerSpec
  readonly role: 'init' | 'sidecar' | 'main'
  phase:
    | { readonly kind: 'waiting'; readonly reason: string; readonly message?: string }
    | { readonly kind: 'running'; readonly container: Container }
    | ({ readonly kind: 'terminated' } & Termination)
  ready: boolean
  started: boolean
  restartCount: number
  last?: Termination
  /** Logs of the current run and of the one before it. */
  log?: ContainerLog
  previousLog?: ContainerLog
}

export function newState(
  spec: ContainerSpec,
  role: ContainerState['role'],
  reason: string,
): ContainerState {
  return {
    spec,
    role,
    phase: { kind: 'waiting', reason },
    ready: false,
    started: false,
    restartCount: 0,
  }
}

/** Whether it ended well: an init container that did lets the next one start. */
export function hasSucceeded({ phase }: ContainerState): boolean {
  return phase.kind === 'terminated' && phase.exit.code === 0
}
