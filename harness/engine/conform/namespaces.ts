import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import type { KubeObject } from '../../model/kubernetes.ts'

/** Label of every namespace that a conformance run makes; its value is the run's id. */
export const runLabel = 'meshmark.dev/run'

/** Namespaces of one run: made when something goes into them, removed as a whole. */
export interface Namespaces {
  /** A name that no other run uses; nothing is made. */
  named(word: string): string
  /** Applies into the namespace, which is made first; cluster-scoped objects stay as they are. */
  apply(
    namespace: string,
    manifests: readonly KubeObject[],
    options: AbortOptions,
  ): Promise<AsyncDisposable>
  /** Begins to remove it, when it was made; nobody has to wait. What fails is told by `settled`. */
  remove(namespace: string): void
  /** Begins to remove every one that is left. */
  removeAll(): void
  /** Resolves when everything that was to be removed is gone. @throws AggregateError */
  settled(): Promise<void>
}

export function namespacesOf(cluster: Cluster, runId: string): Namespaces {
  const made = new Map<string, Promise<AsyncDisposable>>()
  const removals: Promise<void>[] = []
  /** By name: what has to be over before it is made again, as for the repetitions of a check. */
  const leaving = new Map<string, Promise<void>>()
  const suffix = runId
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(-8)
  const make = (name: string, options: AbortOptions): Promise<AsyncDisposable> => {
    const known = made.get(name)
    if (known !== undefined) return known
    const labels = { [runLabel]: runId }
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
    const left = leaving.get(name)?.catch(() => undefined) ?? Promise.resolve()
    const applied = left.then(() => cluster.apply([object], options))
    made.set(name, applied)
    applied.catch(() => made.delete(name))
    return applied
  }
  const remove = (namespace: string): void => {
    const applied = made.get(namespace)
    if (applied === undefined) return
    made.delete(namespace)
    const removal = applied.then((one) => one[Symbol.asyncDispose]())
    // why: told by settled, and until then no unhandled rejection
    removal.catch(() => undefined)
    removals.push(removal)
    leaving.set(namespace, removal)
  }
  return {
    named: (word) => `mm-${suffix}-${word.toLowerCase().replace(/[^a-z0-9-]/g, '-')}`.slice(0, 63),
    apply: async (namespace, manifests, options) => {
      await make(namespace, options)
      const placed = await Promise.all(
        manifests.map(async (manifest) => {
          const { namespaced } = await typeOf(cluster, manifest, manifests, options)
          if (!namespaced || manifest.metadata.namespace !== undefined) return manifest
          return { ...manifest, metadata: { ...manifest.metadata, namespace } }
        }),
      )
      return cluster.apply(placed, options)
    },
    remove,
    removeAll: () => {
      for (const namespace of [...made.keys()]) remove(namespace)
    },
    settled: async () => {
      const ended = await Promise.allSettled(removals.splice(0))
      const failures = ended.flatMap((one): readonly unknown[] =>
        one.status === 'rejected' ? [one.reason] : [],
      )
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '))
    },
  }
}

/** A kind that a manifest beside it defines is not served yet: its definition says what it is. */
async function typeOf(
  cluster: Cluster,
  manifest: KubeObject,
  beside: readonly KubeObject[],
  options: AbortOptions,
): Promise<{ readonly namespaced: boolean }> {
  for (const { kind, spec } of beside) {
    if (kind !== 'CustomResourceDefinition') continue
    const { names, scope } = spec as { names?: { kind?: string }; scope?: string }
    if (names?.kind === manifest.kind) return { namespaced: scope === 'Namespaced' }
  }
  return cluster.kube.typeOf(manifest, options)
}
