import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError, KubeError } from '../../model/errors.ts'
import type { KubeClient, KubeObject, ObjectKey, ResourceType } from '../../model/kubernetes.ts'

/** How long a deleted object may take to be gone: the longest grace period of our own manifests, doubled. */
const goneMs = 60_000

/** How long a kind may take to be served after its definition was applied. */
const establishedMs = 10_000

/** Kinds that are gone when their pods are. */
const workloads: ReadonlySet<string> = new Set(['Deployment', 'ReplicaSet', 'DaemonSet'])

/** Kinds that others need to exist first. */
const first = [
  'Namespace',
  'CustomResourceDefinition',
  'ServiceAccount',
  'ClusterRole',
  'ConfigMap',
]

interface Applied {
  readonly type: ResourceType
  readonly key: ObjectKey
}

/**
 * Applies manifests on the server's side. Disposing deletes those that did not exist before, in reverse order, and
 * waits until they are gone.
 */
export async function applyManifests(
  kube: KubeClient,
  manifests: readonly KubeObject[],
  { signal }: AbortOptions,
): Promise<AsyncDisposable> {
  const created: Applied[] = []
  const undo = (): Promise<void> => remove(kube, created)
  try {
    for (const manifest of inOrder(manifests)) {
      const type = await typeOf(kube, manifest, signal)
      const namespace = manifest.metadata.namespace ?? 'default'
      const key = { name: manifest.metadata.name, ...(type.namespaced && { namespace }) }
      const before = await kube.get(type, key, { signal })
      const object = { ...manifest, metadata: { ...manifest.metadata, ...key } }
      await kube.patch(type, key, object, {
        type: 'apply',
        force: true,
        fieldManager: 'meshmark',
        signal,
      })
      if (before === undefined) created.push({ type, key })
    }
  } catch (error) {
    await undo()
    throw error
  }
  return { [Symbol.asyncDispose]: undo }
}

function inOrder(manifests: readonly KubeObject[]): readonly KubeObject[] {
  const rank = ({ kind }: KubeObject): number => {
    const at = first.indexOf(kind)
    return at === -1 ? first.length : at
  }
  return [...manifests].sort((a, b) => rank(a) - rank(b))
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

async function remove(kube: KubeClient, created: Applied[]): Promise<void> {
  const signal = AbortSignal.timeout(goneMs)
  const deadline = performance.now() + goneMs
  const mine = created.splice(0).reverse()
  for (const { type, key } of mine) {
    // why: only these own others that have to be gone with them
    const propagationPolicy = workloads.has(type.kind) ? 'Foreground' : 'Background'
    await kube.delete(type, key, { signal, propagationPolicy })
  }
  for (const { type, key } of mine) {
    while (await isThere(kube, type, key)) {
      if (performance.now() > deadline)
        throw new ClusterError(
          'not-ready',
          `${type.kind} ${key.name} is not gone after ${goneMs / 1000} s`,
        )
      await delay(20)
    }
  }
}

async function isThere(kube: KubeClient, type: ResourceType, key: ObjectKey): Promise<boolean> {
  return (await kube.get(type, key, { signal: AbortSignal.timeout(goneMs) })) !== undefined
}
