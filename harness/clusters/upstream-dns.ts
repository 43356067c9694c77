import type { ClusterNode } from '../model/cluster.ts'
import type { Topology } from '../model/topology.ts'

/** A topology whose `upstreamDns` has the addresses of the nodes that it names. */
export function withUpstreamAddresses(
  topology: Topology,
  nodes: readonly Pick<ClusterNode, 'name' | 'address'>[],
): Topology {
  const { upstreamDns } = topology
  if (upstreamDns === undefined) return topology
  const addresses = new Map(nodes.map(({ name, address }) => [name, address]))
  return { ...topology, upstreamDns: upstreamDns.map((server) => addresses.get(server) ?? server) }
}
