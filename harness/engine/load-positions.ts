import type { Cluster, Position } from '../model/cluster.ts'
import { UsageError } from '../model/errors.ts'

/**
 * Where load programs stand: a pod on each of the nodes that were asked for. By default the tutorial's client: a pod
 * on the first edge node, while nginx runs on the second.
 * @throws UsageError for a node that the cluster does not have
 */
export function loadPositions(
  { nodes }: Pick<Cluster, 'nodes'>,
  wanted: readonly string[] | undefined,
): readonly Position[] {
  const unknown = (wanted ?? []).filter((name) => !nodes.some((node) => node.name === name))
  if (unknown.length > 0)
    throw new UsageError(`--load-nodes: there is no node ${unknown.join(', ')}`, [], {
      hint: `nodes: ${nodes.map(({ name }) => name).join(', ')}`,
    })
  const first = nodes.find(({ role }) => role === 'edge')
  if (wanted === undefined && first === undefined)
    throw new Error('the benchmark needs an edge node; this cluster has none')
  const names = wanted ?? (first === undefined ? [] : [first.name])
  return [...new Set(names)].map((node) => ({ node, network: 'container' }))
}
