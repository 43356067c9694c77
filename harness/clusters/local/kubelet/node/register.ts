import type { AbortOptions } from '../../../../model/abort.ts'
import { KubeError } from '../../../../model/errors.ts'
import type { KubeClient } from '../../../../model/kubernetes.ts'
import { nodes } from '../../../kube/types.ts'
import type { KubeletConfig } from '../config.ts'
import { bounded, pause } from '../time.ts'
import { nodeObject, nodeStatus } from './node-object.ts'

/** How long a kubelet waits between tries to register: the API server starts beside it. */
const firstRetryMs = 15
const longestRetryMs = 1_000

/** Registers the node, trying until the API is there. */
export async function registerNode(
  kube: KubeClient,
  config: KubeletConfig,
  { signal }: AbortOptions,
): Promise<void> {
  for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 1.5, longestRetryMs)) {
    try {
      await bounded(signal, (each) => upsert(kube, config, { signal: each }))
      return
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof KubeError && isFinal(error)) throw error
      await pause(waitMs, signal)
    }
  }
}

/** Refusals that no patience cures: no permission, or a name that is no name. */
function isFinal({ status }: KubeError): boolean {
  return status === 403 || status === 422
}

/** Creates the node, or takes the one that a former kubelet has made: our labels and addresses, other people's too. */
async function upsert(
  kube: KubeClient,
  config: KubeletConfig,
  options: AbortOptions,
): Promise<void> {
  const object = nodeObject(config)
  try {
    await kube.create(nodes, object, options)
  } catch (error) {
    if (!(error instanceof KubeError) || error.reason !== 'AlreadyExists') throw error
    const { labels } = object.metadata
    const patch = { metadata: { labels }, spec: { podCIDR: config.podCidr } }
    const key = { name: config.nodeName }
    await kube.patch(nodes, key, patch, { ...options, type: 'merge' })
    await reportStatus(kube, config, options)
  }
}

/** Sends the node's status; registers the node again when somebody has deleted it. */
export async function reportStatus(
  kube: KubeClient,
  config: KubeletConfig,
  options: AbortOptions,
): Promise<void> {
  const key = { name: config.nodeName }
  const known = await kube.get(nodes, key, options)
  if (known === undefined) {
    await upsert(kube, config, options)
    return
  }
  await kube.patch(
    nodes,
    key,
    { status: nodeStatus(config, known) },
    { ...options, type: 'strategic', subresource: 'status' },
  )
}
