import type { Topology } from '../../model/topology.ts'

/** The tutorial's cluster, as data. */
export const defaultTopologyDouble: Topology = {
  lans: [{ name: 'lan', cidr: '192.0.2.0/24', uplink: 'open' }],
  nodes: [
    { name: 'master', lan: 'lan', role: 'master' },
    { name: 'edge-node-a', lan: 'lan', role: 'edge' },
    { name: 'edge-node-b', lan: 'lan', role: 'edge' },
  ],
  clusterDomain: 'cluster.local',
  podCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/16',
  clusterDns: '10.96.0.10',
}
