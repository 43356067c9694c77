import type { KubeClient } from '../../../../model/kubernetes.ts'
import { informer, type Informer } from '../../../kube/informer.ts'
import { pods } from '../../../kube/types.ts'
import type { KubeletConfig } from '../config.ts'
import type { NodeContext } from './context.ts'
import type { Pod } from './pod.ts'
import { type PodWorker, podWorker } from './worker.ts'

/** Keeps one worker for every pod that the API gives this node. */
export interface PodSource {
  /** Watches anew: the connection of the old watch may be dead without knowing. */
  refresh(): void
}

export function podSource(node: NodeContext, workers: Map<string, PodWorker>): PodSource {
  const take = (pod: Pod): void => {
    const { uid } = pod.metadata
    const known = workers.get(uid)
    if (known !== undefined) known.update(pod)
    else if (!isOver(pod)) begin(pod, node, workers)
  }
  let current = new AbortController()
  const watch = (): void => {
    current.abort()
    current = new AbortController()
    const { signal } = current
    const mine = follow(node.kube, node.config, signal)
    mine.onChange(({ kind, object }) => {
      if (signal.aborted) return
      if (kind === 'deleted') workers.get(object.metadata.uid)?.kill()
      else take(object)
    })
    void mine.synced.then(() => {
      if (!signal.aborted) killUnknown(mine, workers)
    })
  }
  node.signal.addEventListener('abort', () => {
    current.abort()
  })
  watch()
  return { refresh: watch }
}

function follow(client: KubeClient, config: KubeletConfig, signal: AbortSignal): Informer<Pod> {
  return informer<Pod>({
    client,
    type: pods,
    fieldSelector: `spec.nodeName=${config.nodeName}`,
    signal,
    log: (line) => {
      process.stderr.write(`${line}\n`)
    },
  })
}

function begin(pod: Pod, node: NodeContext, workers: Map<string, PodWorker>): void {
  const { uid, name, namespace } = pod.metadata
  const worker = podWorker(pod, node)
  workers.set(uid, worker)
  worker.update(pod)
  void worker.finished
    .catch((error: unknown) => {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
      process.stderr.write(`pod ${namespace}/${name}: ${why}\n`)
    })
    .finally(() => workers.delete(uid))
}

/** Pods that were deleted while nobody was listening. */
function killUnknown(mine: Informer<Pod>, workers: ReadonlyMap<string, PodWorker>): void {
  const present = new Set(mine.list().map(({ metadata }) => metadata.uid))
  for (const [uid, worker] of workers) if (!present.has(uid)) worker.kill()
}

/** Pods that a former kubelet has brought to their end. */
function isOver({ status, metadata }: Pod): boolean {
  return (
    (status?.phase === 'Succeeded' || status?.phase === 'Failed') &&
    metadata.deletionTimestamp === undefined
  )
}
