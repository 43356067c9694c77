import type { AbortOptions } from '../../../../model/abort.ts'
import { KubeError } from '../../../../model/errors.ts'
import type { KubeClient, KubeObject } from '../../../../model/kubernetes.ts'
import { events } from '../../../kube/types.ts'
import type { KubeletConfig } from '../config.ts'
import { bounded, pause, time } from '../time.ts'

/** What an event is about. */
export type Subject =
  | { readonly kind: 'Node'; readonly name: string }
  | {
      readonly kind: 'Pod'
      readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string }
      readonly container?: string
      readonly isInit?: boolean
    }

/** Tells what happens on the node as Kubernetes events; the same event again only counts up. */
export type Recorder = (
  subject: Subject,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => void

/** An event that the API does not take within this time is lost, as with the real kubelet. */
const tries = 12
const retryMs = 500

interface Known {
  readonly name: string
  readonly namespace: string
  count: number
}

/** Sends events one after the other, so that they are listed in the order in which things happened. */
export function recorder(kube: KubeClient, config: KubeletConfig, options: AbortOptions): Recorder {
  const known = new Map<string, Known>()
  let last = 0n
  let queue: Promise<unknown> = Promise.resolve()
  const send = async (work: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
    for (let tried = 0; tried < tries && !options.signal.aborted; tried += 1) {
      try {
        await bounded(options.signal, work)
        return
      } catch (error) {
        if (error instanceof KubeError && error.status >= 400 && error.status < 500) return
        await pause(retryMs, options.signal)
      }
    }
  }
  /** Names of events sort by the time of the first one. */
  const suffix = (): string => {
    const now = BigInt(Date.now()) * 1_000_000n
    last = now > last ? now : last + 1n
    return last.toString(16)
  }
  return (subject, type, reason, message) => {
    const now = time(new Date())
    const involvedObject = reference(subject)
    const key = JSON.stringify([involvedObject, type, reason, message])
    const seen = known.get(key)
    if (seen !== undefined) {
      seen.count += 1
      const patch = { count: seen.count, lastTimestamp: now }
      queue = queue.then(() =>
        send((signal) => kube.patch(events, seen, patch, { signal, type: 'merge' })),
      )
      return
    }
    const namespace = subject.kind === 'Pod' ? subject.metadata.namespace : 'default'
    const name = `${String(involvedObject['name'])}.${suffix()}`
    known.set(key, { name, namespace, count: 1 })
    const event: KubeObject = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject,
      type,
      reason,
      message,
      source: { component: 'kubelet', host: config.nodeName },
      reportingComponent: 'kubelet',
      reportingInstance: config.nodeName,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }
    queue = queue.then(() => send((signal) => kube.create(events, event, { signal })))
  }
}

function reference(subject: Subject): Record<string, unknown> {
  if (subject.kind === 'Node') return { kind: 'Node', name: subject.name, uid: subject.name }
  const { name, namespace, uid } = subject.metadata
  const list = subject.isInit === true ? 'initContainers' : 'containers'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    name,
    namespace,
    uid,
    ...(subject.container !== undefined && { fieldPath: `spec.${list}{${subject.container}}` }),
  }
}
