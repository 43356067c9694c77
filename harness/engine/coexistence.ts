import type { AbortOptions } from '../model/abort.ts'
import type { Cluster } from '../model/cluster.ts'
import { TargetError } from '../model/errors.ts'
import type { Target } from '../model/target.ts'

/** Proves by counters that kube-proxy, where it runs beside the target, carried nothing of what was asked. */
export interface CoexistenceGuard {
  /** How many connections to Services under test came as far as kube-proxy since this was asked last. */
  foreignConnections(options: AbortOptions): Promise<number>
}

/**
 * Makes the guard of a run.
 * @throws TargetError 'unsupported' where kube-proxy counts nothing, so that nobody could tell who carried a packet
 */
export async function coexistenceGuard(
  cluster: Cluster,
  target: Target,
  options: AbortOptions,
): Promise<CoexistenceGuard> {
  const count = cluster.kubeProxyConnections?.bind(cluster)
  if (count === undefined || target.kubeProxy !== 'absent')
    return { foreignConnections: () => Promise.resolve(0) }
  const before = await count(options)
  if (before === undefined)
    throw new TargetError(
      'unsupported',
      `kube-proxy runs beside ${target.id} in a mode that counts nothing: nobody could tell which of them carried a connection`,
      { hint: 'use --kube-proxy-mode none or iptables' },
    )
  let last = before
  return {
    foreignConnections: async (each) => {
      const now = (await count(each)) ?? last
      const grown = now - last
      last = now
      return grown
    },
  }
}
