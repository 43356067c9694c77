import type { AbortOptions } from '../../../../model/abort.ts'
import { KubeError } from '../../../../model/errors.ts'
import type { KubeClient } from '../../../../model/kubernetes.ts'
import { leases } from '../../../kube/types.ts'
import type { KubeletConfig } from '../config.ts'
import { bounded, pause } from '../time.ts'
import { reportStatus } from './register.ts'

/** As the real kubelet's: renewed every 10 s, stale after 40. */
const renewMs = 10_000
const leaseSeconds = 40

/** While the API is away it is tried more often, so that a healed node is Ready soon. */
const retryMs = 1_000
const tryMs = 3_000

/**
 * Renews the node's lease and status until the signal is aborted. `onBack` is told when the API answers again after it
 * was away: watches may hang on dead connections then.
 */
export async function heartbeat(
  kube: KubeClient,
  config: KubeletConfig,
  onBack: () => void,
  { signal }: AbortOptions,
): Promise<void> {
  let wasAway = false
  while (!signal.aborted) {
    try {
      await bounded(signal, (each) => beat(kube, config, { signal: each }), tryMs)
      if (wasAway) onBack()
      wasAway = false
    } catch {
      // why: the node controller sees the stale lease; here nothing can be done but to try again
      wasAway = true
    }
    await pause(wasAway ? retryMs : renewMs, signal)
  }
}

async function beat(kube: KubeClient, config: KubeletConfig, options: AbortOptions): Promise<void> {
  await renewLease(kube, config, options)
  await reportStatus(kube, config, options)
}

async function renewLease(
  kube: KubeClient,
  { nodeName }: KubeletConfig,
  options: AbortOptions,
): Promise<void> {
  const key = { namespace: 'kube-node-lease', name: nodeName }
  // metav1.MicroTime
  const renewTime = new Date().toISOString().replace('Z', '000Z')
  const spec = { holderIdentity: nodeName, leaseDurationSeconds: leaseSeconds, renewTime }
  try {
    await kube.patch(leases, key, { spec }, { ...options, type: 'merge' })
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error
    const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec }
    await kube.create(leases, object, options)
  }
}
