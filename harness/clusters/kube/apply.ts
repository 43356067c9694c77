import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError, KubeError } from '../../model/errors.ts'
import type { KubeClient, KubeObject, ObjectKey, ResourceType } from '../../model/kubernetes.ts'
import { markOf, type RunMark } from './run-mark.ts'

/** How long a deleted object may take to be gone: the longest grace period of our own manifests, doubled. */
const goneMs = 60_000

/** How long a kind may take to be served after its definition was applied. */
const establishedMs = 10_000

/** Kinds that are gone when their pods are. */
const workloads: ReadonlySet<string> = new Set(['Deployment', 'ReplicaSet', 'DaemonSet', 'Job'])

/** Kinds that others need to exist first. */
const first = [
  'Namespace',
  'CustomResourceDefinition',
  'ServiceAccount',
  'ClusterRole',
  'ConfigMap',
]

/** One object of an API. */
export interface Applied {
  readonly type: ResourceType
  readonly key: ObjectKey
}

export interface ApplyOptions extends AbortOptions {
  /** Put on what did not exist before, so that whoever is killed leaves nothing that cannot be told. */
  readonly mark?: RunMark
}

/**
 * Applies manifests on the server's side. Disposing deletes those that did not exist before, in reverse order, and
 * waits until they are gone.
 */
export async function applyManifests(
  kube: KubeClient,
  manifests: readonly KubeObject[],
  { signal, mark }: ApplyOptions,
): Promise<AsyncDisposable> {
  const created: Applied[] = []
  const undo = (): Promise<void> => removeObjects(kube, created.splice(0))
  try {
    for (const manifest of inOrder(manifests)) {
      const type = await typeOf(kube, manifest, signal)
      const namespace = manifest.metadata.namespace ?? 'default'
      const key = { name: manifest.metadata.name, ...(type.namespaced && { namespace }) }
      const before = await kube.get(type, key, { signal })
      // why: what another run made stays marked as its own
      const marked = before === undefined ? mark : markOf(before)
      const object = marking({ ...manifest, metadata: { ...manifest.metadata, ...key } }, marked)
      await kube.patch(type, key, object, {
        type: 'apply',
        force: true,
        fieldManager: 'meshmark',
        signal,
      })
      if (before === undefined) created.push({ type, key })
    }
  } catch (error) {
    // why: the first failure is the one to be told
    await undo().catch(() => undefined)
    throw error
  }
  return { [Symbol.asyncDispose]: undo }
}

function inOrder(manifests: readonly KubeObject[]): readonly KubeObject[] {
  return [...manifests].sort((a, b) => rankOf(a.kind) - rankOf(b.kind))
}

/** Kinds that others need to exist have a lower one. */
export function rankOf(kind: string): number {
  const at = first.indexOf(kind)
  return at === -1 ? first.length : at
}

function marking(object: KubeObject, mark: RunMark | undefined): KubeObject {
  if (mark === undefined) return object
  const { metadata } = object
  const labels = { ...metadata.labels, ...mark.labels }
  const annotations = { ...metadata.annotations, ...mark.annotations }
  return { ...object, metadata: { ...metadata, labels, annotations } }
}

/** A kind whose definition was applied a moment ago is served soon, not at once. */
async function typeOf(
  kube: KubeClient,
  manifest: KubeObject,
  signal: AbortSignal,
): Promise<ResourceType> {
  const deadline = performance.now() + establishedMs
  for (;;) {
    try {
      return await kube.typeOf(manifest, { signal })
    } catch (error) {
      const missing = error instanceof KubeError && error.status === 404
      if (!missing || performance.now() > deadline) throw error
      await delay(100, undefined, { signal })
    }
  }
}

/**
 * Deletes everything, the last one first, and waits for all of it; one that stays does not keep the others.
 * @throws ClusterError 'not-ready' naming what is not gone after a minute
 */
export async function removeObjects(kube: KubeClient, objects: readonly Applied[]): Promise<void> {
  const signal = AbortSignal.timeout(goneMs)
  const mine = [...objects].reverse()
  const left = new Map<Applied, string>()
  for (const one of mine) {
    const problem = await whyNotDeleted(kube, one, signal)
    if (problem !== undefined) left.set(one, problem)
  }
  for (const one of mine) {
    if (left.has(one)) continue
    const problem = await whyNotGone(kube, one, signal)
    if (problem !== undefined) left.set(one, problem)
  }
  if (left.size > 0)
    throw new ClusterError(
      'not-ready',
      [...left]
        .map(([{ type, key }, problem]) => `${type.kind} ${key.name} is not gone: ${problem}`)
        .join('; '),
    )
}

async function whyNotDeleted(
  kube: KubeClient,
  { type, key }: Applied,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    // why: only workloads own others that have to be gone with them
    const propagationPolicy = workloads.has(type.kind) ? 'Foreground' : 'Background'
    await kube.delete(type, key, { signal, propagationPolicy })
    return undefined
  } catch (error) {
    return reasonOf(error)
  }
}

async function whyNotGone(
  kube: KubeClient,
  { type, key }: Applied,
  signal: AbortSignal,
): Promise<string | undefined> {
  let problem = `it is still there after ${goneMs / 1000} s`
  while (!signal.aborted) {
    try {
      if ((await kube.get(type, key, { signal })) === undefined) return undefined
    } catch (error) {
      // why: an API that fails does not say that it is gone
      if (!signal.aborted) problem = reasonOf(error)
    }
    await delay(20)
  }
  return problem
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
