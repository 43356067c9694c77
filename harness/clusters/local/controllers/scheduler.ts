import { KubeError } from '../../../model/errors.ts'
import { nodes, pathOf, pods } from '../../kube/types.ts'
import type { ControllerContext } from './context.ts'
import { keyOf, keyParts, type Node, type Pod } from './objects.ts'
import { isNodeReady, obstacle } from './placement.ts'

/** How soon a pod that fits nowhere is looked at again when nothing else happens. */
const retryMs = 5_000

/** Binds pods to nodes: selectors, affinity, taints, readiness; the node with the fewest pods wins. */
export function scheduler(context: ControllerContext): void {
  const { client, signal } = context
  const allPods = context.watch<Pod>(pods)
  const allNodes = context.watch<Node>(nodes)
  /** Pods that were bound a moment ago and are not seen on their node yet. */
  const bound = new Map<string, string>()
  const queue = context.queue('scheduler', schedule)
  allPods.onChange(({ object, kind }) => {
    if (kind === 'deleted' || object.spec.nodeName !== undefined)
      bound.delete(object.metadata.uid ?? '')
    else if (object.metadata.deletionTimestamp === undefined) queue.add(keyOf(object.metadata))
  })
  allNodes.onChange(() => {
    for (const pod of allPods.list())
      if (pod.spec.nodeName === undefined) queue.add(keyOf(pod.metadata))
  })

  async function schedule(key: string): Promise<void> {
    const pod = allPods.get(keyParts(key))
    if (pod?.spec.nodeName !== undefined || pod === undefined || bound.has(pod.metadata.uid ?? ''))
      return
    const verdicts = allNodes.list().map((node) => ({ node, why: whyNot(pod, node) }))
    const fitting = verdicts.filter(({ why }) => why === undefined).map(({ node }) => node)
    const [best] = fitting.sort(
      (a, b) => load(a) - load(b) || a.metadata.name.localeCompare(b.metadata.name),
    )
    if (best === undefined) {
      await unschedulable(
        pod,
        verdicts.map(({ why = '' }) => why),
      )
      queue.addAfter(key, retryMs)
      return
    }
    await bind(pod, best.metadata.name)
  }

  function whyNot(pod: Pod, node: Node): string | undefined {
    if (node.spec?.unschedulable === true) return 'were unschedulable'
    if (!isNodeReady(node)) return 'had untolerated taint {node.kubernetes.io/not-ready: }'
    return obstacle(pod.spec, node)
  }

  function load(node: Node): number {
    const { name } = node.metadata
    const there = allPods.list().filter((pod) => pod.spec.nodeName === name).length
    return there + [...bound.values()].filter((one) => one === name).length
  }

  async function bind(pod: Pod, node: string): Promise<void> {
    const { name, namespace = 'default', uid = '' } = pod.metadata
    bound.set(uid, node)
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    }
    const answer = await client.request('POST', pathOf(pods, { namespace, name }, 'binding'), {
      body,
      signal,
    })
    if (answer.status >= 300) {
      bound.delete(uid)
      if (answer.status === 404 || answer.status === 409) return
      throw new KubeError(answer.status, 'BindingRejected', answer.body)
    }
    context.record(
      pod,
      'Normal',
      'Scheduled',
      `Successfully assigned ${namespace}/${name} to ${node}`,
      'default-scheduler',
    )
  }

  async function unschedulable(pod: Pod, reasons: readonly string[]): Promise<void> {
    const counts = new Map<string, number>()
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
    const told = [...counts].map(([reason, count]) => `${count} node(s) ${reason}`).join(', ')
    const message = `0/${reasons.length} nodes are available: ${told}.`
    const known = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
    if (known?.message === message) return
    context.record(pod, 'Warning', 'FailedScheduling', message, 'default-scheduler')
    const status = {
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
    }
    await client.patch(
      pods,
      keyParts(keyOf(pod.metadata)),
      { status },
      { signal, type: 'strategic', subresource: 'status' },
    )
  }
}
