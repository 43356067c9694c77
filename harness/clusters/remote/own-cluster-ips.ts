import type { AbortOptions } from '../../model/abort.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { services } from '../kube/types.ts'

/** ClusterIPs of the API and of the cluster's own DNS. */
export async function ownClusterIps(
  kube: KubeClient,
  options: AbortOptions,
): Promise<readonly string[]> {
  const keys = [
    { namespace: 'default', name: 'kubernetes' },
    { namespace: 'kube-system', name: 'kube-dns' },
  ]
  const found = await Promise.all(keys.map((key) => kube.get(services, key, options)))
  return found.flatMap((service) => {
    const { clusterIP } = (service?.['spec'] ?? {}) as { readonly clusterIP?: string }
    return clusterIP === undefined ? [] : [clusterIP]
  })
}
