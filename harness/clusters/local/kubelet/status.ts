import type { KubeletConfig } from './config.ts'
import type { Container, ContainerExit } from './container.ts'
import { type ContainerState, exitReason } from './container-state.ts'
import type { Pod } from './pod.ts'

export interface StatusInit {
  readonly pod: Pod
  readonly config: KubeletConfig
  readonly address: string | undefined
  readonly startTime: Date
  readonly states: readonly ContainerState[]
  /** When each condition last changed, by its type and status. */
  readonly transitions: Map<string, { readonly status: string; readonly at: string }>
}

/** A pod's status as the real kubelet reports it. */
export function podStatus(init: StatusInit): Record<string, unknown> {
  const { pod, config, address, startTime, states } = init
  const inits = states.filter(({ isInit }) => isInit)
  const main = states.filter(({ isInit }) => !isInit)
  const initialized = inits.every(
    ({ phase }) => phase.kind === 'terminated' && phase.exit.code === 0,
  )
  const unready = main.filter(({ ready }) => !ready).map(({ spec }) => spec.name)
  const phase = phaseOf(pod, inits, main)
  const done = phase === 'Succeeded' || phase === 'Failed'
  const readyReason = done
    ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
    : {
        reason: 'ContainersNotReady',
        message: `containers with unready status: [${unready.join(' ')}]`,
      }
  const allReady = unready.length === 0 && !done && initialized
  return {
    phase,
    conditions: [
      condition(init, 'PodReadyToStartContainers', address !== undefined),
      condition(init, 'Initialized', initialized, {
        reason: 'ContainersNotInitialized',
        message: `containers with incomplete status: [${inits.map(({ spec }) => spec.name).join(' ')}]`,
      }),
      condition(init, 'Ready', allReady, readyReason),
      condition(init, 'ContainersReady', allReady, readyReason),
      condition(init, 'PodScheduled', true),
    ],
    hostIP: config.nodeAddress,
    hostIPs: [{ ip: config.nodeAddress }],
    ...(address !== undefined && { podIP: address, podIPs: [{ ip: address }] }),
    startTime: time(startTime),
    ...(inits.length > 0 && { initContainerStatuses: inits.map(containerStatus) }),
    containerStatuses: main.map(containerStatus),
    qosClass: qosClass(pod),
  }
}

function phaseOf(
  pod: Pod,
  inits: readonly ContainerState[],
  main: readonly ContainerState[],
): string {
  const policy = pod.spec.restartPolicy ?? 'Always'
  const failedInit = inits.some(({ phase }) => phase.kind === 'terminated' && phase.exit.code !== 0)
  if (failedInit && policy === 'Never') return 'Failed'
  const ended = main.every(({ phase }) => phase.kind === 'terminated')
  if (ended && policy !== 'Always') {
    const good = main.every(({ phase }) => phase.kind === 'terminated' && phase.exit.code === 0)
    return good ? 'Succeeded' : 'Failed'
  }
  const seen = main.some(({ phase, restartCount }) => phase.kind !== 'waiting' || restartCount > 0)
  return seen ? 'Running' : 'Pending'
}

function condition(
  { transitions }: StatusInit,
  type: string,
  holds: boolean,
  otherwise: { readonly reason?: string; readonly message?: string } = {},
): object {
  const status = holds ? 'True' : 'False'
  const known = transitions.get(type)
  const at = known?.status === status ? known.at : time(new Date())
  transitions.set(type, { status, at })
  return { type, status, lastProbeTime: null, lastTransitionTime: at, ...(!holds && otherwise) }
}

function containerStatus(state: ContainerState): object {
  const { spec, phase, ready, started, restartCount, last } = state
  const id = phase.kind === 'waiting' ? last?.container.id : phase.container.id
  return {
    name: spec.name,
    image: spec.image,
    imageID: phase.kind === 'waiting' && last === undefined ? '' : `meshmark.local/${spec.image}`,
    ...(id !== undefined && { containerID: `meshmark://${id}` }),
    ready,
    started,
    restartCount,
    state: stateOf(phase),
    lastState: last === undefined ? {} : { terminated: terminated(last.container, last.exit) },
  }
}

function stateOf(phase: ContainerState['phase']): object {
  switch (phase.kind) {
    case 'waiting':
      return {
        waiting: {
          reason: phase.reason,
          ...(phase.message !== undefined && { message: phase.message }),
        },
      }
    case 'running':
      return { running: { startedAt: time(phase.container.startedAt) } }
    case 'terminated':
      return { terminated: terminated(phase.container, phase.exit) }
  }
}

function terminated(container: Container, exit: ContainerExit): object {
  return {
    exitCode: exit.code,
    ...(exit.signal !== undefined && { signal: exit.signal }),
    reason: exitReason(exit),
    ...(exit.code !== 0 && exit.lastOutput !== '' && { message: exit.lastOutput }),
    startedAt: time(container.startedAt),
    finishedAt: time(exit.finishedAt),
    containerID: `meshmark://${container.id}`,
  }
}

type Resources = { readonly requests?: object; readonly limits?: object }

function qosClass(pod: Pod): string {
  const all = pod.spec.containers.map((container) =>
    'resources' in container ? (container.resources as Resources) : {},
  )
  const isEmpty = ({ requests = {}, limits = {} }: Resources): boolean =>
    Object.keys(requests).length === 0 && Object.keys(limits).length === 0
  if (all.every(isEmpty)) return 'BestEffort'
  const isGuaranteed = ({ requests = {}, limits = {} }: Resources): boolean =>
    'cpu' in limits && 'memory' in limits && JSON.stringify(requests) === JSON.stringify(limits)
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable'
}

export function time(date: Date): string {
  return date.toISOString().replace(/\.\d+Z/, 'Z')
}
