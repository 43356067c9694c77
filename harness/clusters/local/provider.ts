import type { ClusterProvider } from '../../model/cluster.ts'
import { bootCluster } from './boot.ts'
import { preflight } from './preflight.ts'

export interface LocalInit {
  /** Folder of the installed package: programs are started from its `dist`. */
  readonly packageDirectory: string
  /** Port of the API on 127.0.0.1; 0, the default, takes any free one. */
  readonly port?: number
  /**
   * `embedded`, the default, is the API server of this project, ready in a fraction of a second; `envtest` is the real
   * kube-apiserver over etcd, from KUBEBUILDER_ASSETS or PATH. Controllers and kubelets are ours in both.
   */
  readonly controlPlane?: ControlPlane
}

export type ControlPlane = 'embedded' | 'envtest'

/** Clusters in network namespaces of this machine: no Docker, no root, about a second. */
export function local(init: LocalInit): ClusterProvider {
  return {
    id: 'local',
    preflight: () => preflight(),
    create: (topology, options) => bootCluster(init, topology, options),
  }
}
