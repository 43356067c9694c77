import type { KubeClient } from '../../../../model/kubernetes.ts'
import type { KubeletConfig } from '../config.ts'
import type { Image } from '../container/images.ts'
import type { ContainerState } from '../container/state.ts'
import type { Cni } from './cni.ts'
import type { Ending } from './ending.ts'
import type { Recorder } from './events.ts'
import type { PodFacts } from './field-path.ts'
import type { HostPaths } from './host-path.ts'
import type { Pod } from './pod.ts'
import type { PodSandbox } from './sandbox.ts'
import type { PlacedVolume } from './volumes.ts'

/** What every pod of a node shares. */
export interface NodeContext {
  readonly kube: KubeClient
  readonly config: KubeletConfig
  readonly cni: Cni
  readonly images: ReadonlyMap<string, Image>
  readonly hostPaths: HostPaths
  readonly record: Recorder
  /** Aborted when the kubelet ends. */
  readonly signal: AbortSignal
}

/** A pod that is set up: its containers run in this. */
export interface PodContext {
  readonly node: NodeContext
  readonly pod: () => Pod
  readonly sandbox: PodSandbox
  readonly volumes: ReadonlyMap<string, PlacedVolume>
  /** Tells the API about a change of a state. */
  readonly changed: () => void
  /** Resolves when the API knows every state so far, or at once while it is away. */
  readonly reported: () => Promise<void>
}

/** Of one container of a pod: sidecars end after the others. */
export interface ContainerContext extends PodContext {
  readonly state: ContainerState
  readonly ending: Ending
}

export function factsOf({ node, sandbox }: PodContext): PodFacts {
  return {
    podIp: sandbox.address,
    nodeName: node.config.nodeName,
    nodeAddress: node.config.nodeAddress,
  }
}

/** Records an event about one container. */
export function recordOf(
  context: ContainerContext,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
): void {
  const { node, pod, state } = context
  const { metadata } = pod()
  const isInit = state.role !== 'main'
  node.record({ kind: 'Pod', metadata, container: state.spec.name, isInit }, type, reason, message)
}

const usualGraceSeconds = 30

/** How long a container may take to end. */
export function graceMs({ spec }: Pod): number {
  return (spec.terminationGracePeriodSeconds ?? usualGraceSeconds) * 1000
}
