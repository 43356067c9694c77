import type { ClusterProvider } from '../../model/cluster.ts'
import { ClusterError, type Problem } from '../../model/errors.ts'
import { bootCluster } from './boot.ts'
import { findControlPlanePrograms } from './envtest/programs.ts'
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

export const controlPlanes: readonly ['embedded', 'envtest'] = ['embedded', 'envtest']

export type ControlPlane = (typeof controlPlanes)[number]

/** Clusters in network namespaces of this machine: no Docker, no root, about a second. */
export function local(init: LocalInit): ClusterProvider {
  return {
    id: 'local',
    makesMore: true,
    preflight: async () => [...(await preflight()), ...controlPlaneProblems(init)],
    create: (topology, options) => bootCluster(init, topology, options),
  }
}

function controlPlaneProblems({ controlPlane }: LocalInit): readonly Problem[] {
  if (controlPlane !== 'envtest') return []
  try {
    findControlPlanePrograms()
    return []
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    const { message, hint } = error
    return [{ subject: 'control plane', message, ...(hint !== undefined && { cure: hint }) }]
  }
}
