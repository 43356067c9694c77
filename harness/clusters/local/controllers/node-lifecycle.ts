import type { KubeObject } from '../../../model/kubernetes.ts'
import { leases, nodes, pods } from '../../kube/types.ts'
import type { ControllerContext } from './context.ts'
import {
  type Condition,
  keyOf,
  keyParts,
  type Node,
  type Pod,
  type Taint,
  timestamp,
} from './objects.ts'
import { isNodeReady, tolerates } from './placement.ts'

/** As kube-controller-manager: a lease that was not renewed for so long makes its node Unknown. */
const graceMs = 40_000
const lookMs = 5_000

interface Lease extends KubeObject {
  readonly spec?: { readonly renewTime?: string }
}

const notReady = 'node.kubernetes.io/not-ready'
const unreachable = 'node.kubernetes.io/unreachable'

/** Marks nodes whose kubelet is silent, taints them, and evicts pods that do not tolerate it. */
export function nodeLifecycleController(context: ControllerContext): void {
  const { client, signal } = context
  const allNodes = context.watch<Node>(nodes)
  const allLeases = context.watch<Lease>(leases)
  const allPods = context.watch<Pod>(pods)
  /** When we last saw a lease change: our clock, not the node's. */
  const seen = new Map<string, { readonly renewTime: string; readonly atMs: number }>()
  const queue = context.queue('node-lifecycle', reconcile)
  allNodes.onChange(({ object, kind }) => {
    if (kind === 'deleted') seen.delete(object.metadata.name)
    else queue.add(object.metadata.name)
  })
  const timer = setInterval(() => {
    for (const { metadata } of allNodes.list()) queue.add(metadata.name)
  }, lookMs)
  signal.addEventListener('abort', () => {
    clearInterval(timer)
  })

  async function reconcile(name: string): Promise<void> {
    const node = allNodes.get({ name })
    if (node === undefined) return
    const renewTime = allLeases.get({ namespace: 'kube-node-lease', name })?.spec?.renewTime ?? ''
    const known = seen.get(name)
    if (known?.renewTime !== renewTime) seen.set(name, { renewTime, atMs: performance.now() })
    const silentMs = performance.now() - (seen.get(name)?.atMs ?? 0)
    const isSilent = silentMs > graceMs
    if (
      isSilent &&
      node.status?.conditions?.some(
        ({ type, status }) => type === 'Ready' && status !== 'Unknown',
      ) === true
    )
      await markUnknown(node)
    await taint(node, isSilent ? unreachable : isNodeReady(node) ? undefined : notReady)
    if (isSilent) await evict(node)
  }

  async function markUnknown(node: Node): Promise<void> {
    const now = timestamp()
    const conditions = (node.status?.conditions ?? []).map((one): Condition => ({
      ...one,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: now,
    }))
    await client.patch(
      nodes,
      { name: node.metadata.name },
      { status: { conditions } },
      { signal, type: 'strategic', subresource: 'status' },
    )
    context.record(
      node,
      'Normal',
      'NodeNotReady',
      `Node ${node.metadata.name} status is now: NodeNotReady`,
      'node-controller',
    )
    await Promise.all(
      allPods
        .list()
        .filter((pod) => pod.spec.nodeName === node.metadata.name)
        .map(markNotReady),
    )
  }

  async function markNotReady(pod: Pod): Promise<void> {
    const status = {
      conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: timestamp() }],
    }
    await client.patch(
      pods,
      keyParts(keyOf(pod.metadata)),
      { status },
      { signal, type: 'strategic', subresource: 'status' },
    )
  }

  async function taint(node: Node, wanted: string | undefined): Promise<void> {
    const own = node.spec?.taints ?? []
    const others = own.filter(({ key }) => key !== notReady && key !== unreachable)
    const added =
      wanted === undefined
        ? []
        : ['NoSchedule', 'NoExecute'].map((effect): Taint => ({ key: wanted, effect }))
    const isSame =
      own.length === others.length + added.length &&
      added.every((one) => own.some(({ key, effect }) => key === one.key && effect === one.effect))
    if (isSame) return
    const timeAdded = timestamp()
    const taints = [
      ...others,
      ...added.map((one) => ({ ...one, ...(one.effect === 'NoExecute' && { timeAdded }) })),
    ]
    await client.patch(
      nodes,
      { name: node.metadata.name },
      { spec: { taints } },
      { signal, type: 'merge' },
    )
  }

  async function evict(node: Node): Promise<void> {
    const taint_ = node.spec?.taints?.find(
      ({ effect, timeAdded }) => effect === 'NoExecute' && timeAdded !== undefined,
    )
    if (taint_?.timeAdded === undefined) return
    const sinceMs = Date.now() - Date.parse(taint_.timeAdded)
    for (const pod of allPods.list()) {
      if (pod.spec.nodeName !== node.metadata.name || pod.metadata.deletionTimestamp !== undefined)
        continue
      const tolerations = pod.spec.tolerations ?? []
      const matching = tolerations.filter((one) => tolerates([one], taint_))
      const limits = matching.map(({ tolerationSeconds }) => tolerationSeconds ?? Infinity)
      const allowedMs = limits.length === 0 ? 0 : Math.min(...limits) * 1000
      if (sinceMs > allowedMs) await client.delete(pods, keyParts(keyOf(pod.metadata)), { signal })
    }
  }
}
