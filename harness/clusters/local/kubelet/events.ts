import { randomBytes } from 'node:crypto'
import type { AbortOptions } from '../../../model/abort.ts'
import type { KubeClient } from '../../../model/kubernetes.ts'
import { events } from '../../kube/types.ts'
import type { KubeletConfig } from './config.ts'
import type { Pod } from './pod.ts'

/** Tells what happens to pods as Kubernetes events; the same event again only counts up. */
export type Recorder = (
  pod: Pod,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
  container?: string,
) => void

export function recorder(kube: KubeClient, config: KubeletConfig, options: AbortOptions): Recorder {
  const known = new Map<string, { name: string; count: number }>()
  return (pod, type, reason, message, container) => {
    const { name, namespace, uid } = pod.metadata
    const now = new Date().toISOString().replace(/\.\d+Z/, 'Z')
    const key = [uid, reason, message, container].join('|')
    const seen = known.get(key)
    if (seen !== undefined) {
      seen.count += 1
      const patch = { count: seen.count, lastTimestamp: now }
      kube
        .patch(events, { namespace, name: seen.name }, patch, { ...options, type: 'merge' })
        .catch(() => undefined)
      return
    }
    const event = { name: `${name}.${randomBytes(8).toString('hex')}`, count: 1 }
    known.set(key, event)
    kube
      .create(
        events,
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: event.name, namespace },
          involvedObject: {
            apiVersion: 'v1',
            kind: 'Pod',
            name,
            namespace,
            uid,
            ...(container !== undefined && { fieldPath: `spec.containers{${container}}` }),
          },
          type,
          reason,
          message,
          source: { component: 'kubelet', host: config.nodeName },
          reportingComponent: 'kubelet',
          reportingInstance: config.nodeName,
          firstTimestamp: now,
          lastTimestamp: now,
          count: 1,
        },
        options,
      )
      .catch(() => known.delete(key))
  }
}
