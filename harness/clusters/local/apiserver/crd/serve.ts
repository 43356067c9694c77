import type { KubeObject } from '../../../../model/kubernetes.ts'
import { isArray, isObject, valueAt } from '../json.ts'
import type { ApiEnvironment, WriteOptions } from '../environment.ts'
import { timestamp } from '../meta/object-meta.ts'
import type { ServedResource } from '../registry.ts'
import type { ResourceDefinition } from '../resource-definition.ts'
import { deleteObject } from '../verbs/delete.ts'
import { updateObject } from '../verbs/update.ts'
import { cleanupFinalizer } from './definition.ts'
import { customVersions } from './custom-resource.ts'

const ownWrites: WriteOptions = {
  isDryRun: false,
  fieldManager: 'kube-apiserver',
  fieldValidation: 'Ignore',
}

/** Serves what custom resource definitions ask for, as long as they exist. */
export function serveCustomResources(environment: ApiEnvironment, crds: ServedResource): void {
  const served = new Map<string, readonly ResourceDefinition[]>()
  /** The generation of a definition that is served now. */
  const versionsServed = new Map<string, string>()
  const beingEmptied = new Set<string>()

  crds.storage.listen((event) => {
    const name = event.key
    // why: a listener must not write while the change is still being told to the others
    queueMicrotask(() => {
      const crd = crds.storage.get(name)
      if (crd === undefined) unserve(name)
      else if (crd.metadata.deletionTimestamp !== undefined) tearDown(crd)
      else serve(crd)
    })
  })

  function serve(crd: KubeObject): void {
    const { name } = crd.metadata
    const names = valueAt(crd, ['spec', 'names'])
    const isEstablished = hasCondition(crd, 'Established')
    const observed = String(crd.metadata.generation)
    if (isEstablished && versionsServed.get(name) === observed) return
    versionsServed.set(name, observed)
    unserve(name)
    const versions = customVersions(crd)
    for (const { definition, type, storageVersion } of versions) {
      environment.registry.add(definition, type, { isCustom: true, storageVersion })
    }
    served.set(
      name,
      versions.map((version) => version.definition),
    )
    if (isEstablished) return
    setConditions(
      name,
      [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
      names,
    )
  }

  function unserve(name: string): void {
    for (const definition of served.get(name) ?? []) environment.registry.remove(definition)
    served.delete(name)
  }

  /** Deletes every object, then the definition. Objects with finalizers are waited for. */
  function tearDown(crd: KubeObject): void {
    const { name, finalizers } = crd.metadata
    if (finalizers?.includes(cleanupFinalizer) !== true || beingEmptied.has(name)) return
    beingEmptied.add(name)
    const [definition] = served.get(name) ?? []
    const resource =
      definition === undefined
        ? undefined
        : environment.registry.find(definition.group, definition.version, definition.plural)
    const finishWhenEmpty = () => {
      if ((resource?.storage.size ?? 0) > 0) return false
      beingEmptied.delete(name)
      unserve(name)
      updateObject(environment, crds, {
        namespace: undefined,
        name,
        options: ownWrites,
        change: (current) => {
          const left: unknown = current.metadata['finalizers']
          const kept = isArray(left) ? left.filter((one) => one !== cleanupFinalizer) : []
          return { ...current, metadata: { ...current.metadata, finalizers: kept } }
        },
      })
      return true
    }
    for (const object of resource?.storage.values() ?? []) {
      if (resource === undefined) break
      const { namespace, name: objectName } = object.metadata
      deleteObject(environment, resource, { namespace, name: objectName }, { isDryRun: false })
    }
    if (finishWhenEmpty() || resource === undefined) return
    const watching = resource.storage.listen(() => {
      queueMicrotask(() => {
        if (beingEmptied.has(name) && finishWhenEmpty()) watching[Symbol.dispose]()
      })
    })
  }

  function condition(type: string, reason: string, message: string) {
    const now = timestamp(environment.strategy.now())
    return { type, status: 'True', lastTransitionTime: now, reason, message }
  }

  function setConditions(name: string, conditions: readonly unknown[], names: unknown): void {
    updateObject(environment, crds, {
      namespace: undefined,
      name,
      options: ownWrites,
      subresource: 'status',
      change: (current) => {
        const status = isObject(current['status']) ? current['status'] : {}
        return { ...current, status: { ...status, conditions, acceptedNames: names } }
      },
    })
  }
}

function hasCondition(crd: KubeObject, type: string): boolean {
  const conditions = valueAt(crd, ['status', 'conditions'])
  return (
    isArray(conditions) &&
    conditions.some((one) => isObject(one) && one['type'] === type && one['status'] === 'True')
  )
}
