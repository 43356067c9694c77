import type { KubeletConfig } from '../config.ts'
import { type ContainerState, hasSucceeded, type Termination } from '../container/state.ts'
import { time } from '../time.ts'
import type { Pod } from './pod.ts'

export interface StatusInit {
  readonly pod: Pod
  readonly config: KubeletConfig
  readonly address: string | undefined
  readonly hasSandbox: boolean
  readonly startTime: Date
  readonly states: readonly ContainerState[]
  /** When each condition last changed, by its type. */
  readonly transitions: Map<string, { readonly status: string; readonly at: string }>
}

/** A pod's status as the real kubelet reports it. */
export function podStatus(init: StatusInit): Record<string, unknown> {
  const { pod, config, address, startTime, states } = init
  const inits = states.filter(({ role }) => role !== 'main')
  const main = states.filter(({ role }) => role === 'main')
  const phase = podPhase(pod, states)
  return {
    phase,
    conditions: conditions(init, phase),
    hostIP: config.nodeAddress,
    hostIPs: [{ ip: config.nodeAddress }],
    ...(address !== undefined && { podIP: address, podIPs: [{ ip: address }] }),
    startTime: time(startTime),
    ...(inits.length > 0 && { initContainerStatuses: inits.map(containerStatus) }),
    containerStatuses: main.map(containerStatus),
    qosClass: qosClass(pod),
  }
}

function conditions(init: StatusInit, phase: string): readonly object[] {
  const { states, hasSandbox } = init
  const inits = states.filter(({ role }) => role !== 'main')
  const incomplete = inits.filter((state) => !isInitialized(state)).map(({ spec }) => spec.name)
  const unready = states
    .filter(({ role, ready }) => role !== 'init' && !ready)
    .map(({ spec }) => spec.name)
  const isOver = phase === 'Succeeded' || phase === 'Failed'
  const isReady = unready.length === 0 && incomplete.length === 0 && !isOver
  const whyInit =
    phase === 'Succeeded'
      ? { reason: 'PodCompleted' }
      : {
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incomplete.join(' ')}]`,
        }
  const whyNot = isOver
    ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
    : {
        reason: 'ContainersNotReady',
        message: `containers with unready status: [${unready.join(' ')}]`,
      }
  return [
    condition(init, 'PodReadyToStartContainers', hasSandbox),
    condition(init, 'Initialized', incomplete.length === 0, whyInit),
    condition(init, 'Ready', isReady, whyNot),
    condition(init, 'ContainersReady', isReady, whyNot),
    condition(init, 'PodScheduled', true),
  ]
}

function isInitialized(state: ContainerState): boolean {
  return state.role === 'sidecar' ? state.started : hasSucceeded(state)
}

/** Pending, Running, Succeeded or Failed (kubelet's getPhase). */
export function podPhase(pod: Pod, states: readonly ContainerState[]): string {
  const policy = pod.spec.restartPolicy ?? 'Always'
  const main = states.filter(({ role }) => role === 'main')
  const failedInit = states.some(
    (state) => state.role === 'init' && state.phase.kind === 'terminated' && !hasSucceeded(state),
  )
  if (failedInit && policy === 'Never') return 'Failed'
  const isTerminating = pod.metadata.deletionTimestamp !== undefined
  if (main.every(({ phase }) => phase.kind === 'terminated')) {
    if (main.every(hasSucceeded) && (policy !== 'Always' || isTerminating)) return 'Succeeded'
    if (policy === 'Never' || isTerminating) return 'Failed'
    return 'Running'
  }
  const hasRun = ({ phase, last }: ContainerState): boolean =>
    phase.kind !== 'waiting' || last !== undefined
  return main.every(hasRun) ? 'Running' : 'Pending'
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
  // why null: a strategic merge keeps what is not mentioned
  const why = { reason: null, message: null, ...(!holds && otherwise) }
  return { type, status, lastProbeTime: null, lastTransitionTime: at, ...why }
}

function containerStatus(state: ContainerState): object {
  const { spec, phase, ready, started, restartCount, last } = state
  const id =
    phase.kind === 'running'
      ? phase.container.id
      : phase.kind === 'terminated'
        ? phase.containerId
        : last?.containerId
  return {
    name: spec.name,
    image: spec.image,
    imageID: id === undefined ? '' : `meshmark.local/${spec.image}`,
    ...(id !== undefined && { containerID: `meshmark://${id}` }),
    ready: state.role === 'init' ? hasSucceeded(state) : ready,
    started,
    restartCount,
    state: stateOf(phase),
    lastState: last === undefined ? {} : { terminated: terminated(last) },
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
      return { terminated: terminated(phase) }
  }
}

function terminated({ containerId, startedAt, exit, reason, message }: Termination): object {
  return {
    exitCode: exit.code,
    reason,
    ...(message !== '' && { message }),
    startedAt: time(startedAt),
    finishedAt: time(exit.finishedAt),
    containerID: `meshmark://${containerId}`,
  }
}

/** Guaranteed when every container limits CPU and memory to what it requests; BestEffort when none says anything. */
function qosClass({ spec }: Pod): string {
  const all = [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources = {} }) => ({
    requests: resources.requests ?? {},
    limits: resources.limits ?? {},
  }))
  if (all.every(({ requests, limits }) => Object.keys({ ...requests, ...limits }).length === 0))
    return 'BestEffort'
  const isGuaranteed = all.every(({ requests, limits }) =>
    ['cpu', 'memory'].every(
      (name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name],
    ),
  )
  return isGuaranteed ? 'Guaranteed' : 'Burstable'
}
