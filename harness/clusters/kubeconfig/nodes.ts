import { ClusterError } from '../../model/errors.ts'
import type { ClusterNode } from '../../model/cluster.ts'
import type { KubeObject } from '../../model/kubernetes.ts'

/** Labels of edge nodes: KubeEdge's and ours. */
const edgeLabels = ['node-role.kubernetes.io/edge', 'node.kubernetes.io/edge']

const masterLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']

/**
 * The nodes of a run: edge nodes are those that the user named, or those that bear the label; the others are workers,
 * one of them the master.
 * @param named - names of `--edge-nodes`, in the order that scenarios take them
 * @throws ClusterError 'provision-failed' when fewer than two edge nodes are Ready
 */
export function chooseNodes(
  items: readonly KubeObject[],
  named: readonly string[],
): readonly ClusterNode[] {
  const byName = new Map(items.map((node) => [node.metadata.name, node]))
  const all = [...byName.keys()].join(', ')
  const unknown = named.filter((name) => !byName.has(name))
  if (unknown.length > 0)
    throw new ClusterError('provision-failed', `there is no node ${unknown.join(', ')}`, {
      hint: `nodes of this cluster: ${all}`,
    })
  const labelled = items.filter((node) => hasLabel(node, edgeLabels)).map(nameOf)
  const edge = (named.length > 0 ? named : labelled).filter((name) => isReady(byName.get(name)))
  if (edge.length < 2)
    throw new ClusterError(
      'provision-failed',
      `a run needs two Ready edge nodes, this cluster has ${edge.length}${edge.length === 0 ? '' : ` (${edge.join(', ')})`}`,
      { hint: `name them: --edge-nodes a,b; nodes of this cluster: ${all}` },
    )
  const others = items.filter((node) => !edge.includes(nameOf(node)))
  const master = others.find((node) => hasLabel(node, masterLabels)) ?? others[0]
  const placed = (node: KubeObject | undefined, role: ClusterNode['role']): ClusterNode[] =>
    node === undefined
      ? []
      : [{ name: nameOf(node), role, address: addressOf(node), lan: 'cluster' }]
  return [
    ...placed(master, 'master'),
    ...edge.flatMap((name) => placed(byName.get(name), 'edge')),
    ...others.filter((node) => node !== master).flatMap((node) => placed(node, 'worker')),
  ]
}

function nameOf({ metadata }: KubeObject): string {
  return metadata.name
}

function hasLabel({ metadata }: KubeObject, labels: readonly string[]): boolean {
  return labels.some((label) => metadata.labels?.[label] !== undefined)
}

interface NodeStatus {
  readonly addresses?: readonly { readonly type: string; readonly address: string }[]
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
}

function isReady(node: KubeObject | undefined): boolean {
  const { conditions = [] } = (node?.['status'] ?? {}) as NodeStatus
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

function addressOf({ status }: KubeObject): string {
  const { addresses = [] } = (status ?? {}) as NodeStatus
  return addresses.find(({ type }) => type === 'InternalIP')?.address ?? ''
}
