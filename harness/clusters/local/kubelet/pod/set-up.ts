import { join } from 'node:path'
import { podFolder, scratchFolder } from '../config.ts'
import { bounded, messageOf, pause } from '../time.ts'
import type { NodeContext, PodContext } from './context.ts'
import type { Ending } from './ending.ts'
import type { Pod } from './pod.ts'
import { type PodSandbox, startPodSandbox } from './sandbox.ts'
import { sources } from './sources.ts'
import { makeVolumes, type PlacedVolume } from './volumes.ts'

const firstRetryMs = 50
const longestRetryMs = 2_000

/** A new namespace lacks its ServiceAccount and CA for a moment; that is no event. */
const quietMs = 1_000

/** Makes a pod's namespaces and volumes side by side, trying until they are there; undefined when the pod ends first. */
export async function setUpPod(
  pod: () => Pod,
  node: NodeContext,
  ending: Ending,
): Promise<Pick<PodContext, 'sandbox' | 'volumes'> | undefined> {
  const [sandbox, volumes] = await Promise.all([
    patiently('FailedCreatePodSandBox', pod, node, ending, () =>
      startPodSandbox(pod(), node.config, node.cni).catch((error: unknown) => {
        throw new Error(`Failed to create pod sandbox: ${messageOf(error)}`, { cause: error })
      }),
    ),
    patiently('FailedMount', pod, node, ending, () => volumesOf(pod(), node)),
  ])
  return finished(sandbox, volumes)
}

async function finished(
  sandbox: PodSandbox | undefined,
  volumes: ReadonlyMap<string, PlacedVolume> | undefined,
): Promise<Pick<PodContext, 'sandbox' | 'volumes'> | undefined> {
  if (sandbox !== undefined && volumes !== undefined) return { sandbox, volumes }
  await sandbox?.[Symbol.asyncDispose]()
  return undefined
}

async function patiently<T>(
  reason: string,
  pod: () => Pod,
  node: NodeContext,
  ending: Ending,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const startedAt = performance.now()
  for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
    if (ending.begun.aborted) return undefined
    try {
      return await work()
    } catch (error) {
      if (performance.now() - startedAt > quietMs)
        node.record({ kind: 'Pod', metadata: pod().metadata }, 'Warning', reason, messageOf(error))
      await pause(waitMs, ending.begun)
    }
  }
}

function volumesOf(
  pod: Pod,
  { kube, config, hostPaths, signal }: NodeContext,
): Promise<ReadonlyMap<string, PlacedVolume>> {
  const { uid, namespace } = pod.metadata
  const init = {
    pod,
    kube,
    hostPaths,
    facts: { podIp: '', nodeName: config.nodeName, nodeAddress: config.nodeAddress },
    from: sources(kube, namespace),
    folder: join(podFolder(config, uid), 'volumes'),
    memoryFolder: join(scratchFolder(config), uid, 'volumes'),
  }
  return bounded(signal, (each) => makeVolumes(init, { signal: each }))
}
