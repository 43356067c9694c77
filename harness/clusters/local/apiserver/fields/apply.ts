import type { KubeObject } from '../../../../model/kubernetes.ts'
import { apiVersionOf } from '../registry.ts'
import type { ServedResource } from '../registry.ts'
import { ApiError } from '../resource-definition.ts'
import type { JsonObject } from '../json.ts'
import { compare } from './compare.ts'
import { FieldSet, formatPath } from './field-set.ts'
import {
  isSameManager,
  readManagers,
  replaceManager,
  withoutSystemFields,
  writeManagers,
} from './managed-fields.ts'
import type { Manager } from './managed-fields.ts'
import { fieldsOfLastApplied } from './last-applied.ts'
import { mergeApplied, removeFields } from './merge.ts'
import { toFieldSet } from './to-field-set.ts'

export interface ApplyInit {
  /** Undefined when the object does not exist yet. */
  readonly live: KubeObject | undefined
  readonly config: JsonObject
  readonly manager: string
  readonly subresource: string
  /** Takes over fields that others own. */
  readonly force: boolean
  readonly now: Date
}

/** The object after a server-side apply, and who owns what in it. */
export interface Applied {
  readonly object: JsonObject
  readonly managedFields: readonly JsonObject[]
}

/**
 * Merges a configuration into an object (structured merge, KEP-555): the applier owns what it says; what it said last
 * time and no longer says is removed unless someone else owns it.
 * @throws ApiError 409 with one cause for each field that another manager owns and that would change
 */
export function applyConfig(resource: ServedResource, init: ApplyInit): Applied {
  const { type } = resource
  const live = init.live ?? ({} as Record<string, unknown>)
  const managers = readManagers(init.live?.metadata['managedFields']) ?? []
  const applier = {
    name: init.manager,
    operation: 'Apply' as const,
    apiVersion: apiVersionOf(resource.definition),
    subresource: init.subresource,
  }
  const fields = ownable(toFieldSet(init.config, type), resource, init.subresource)
  const last = managers.find((manager) => isSameManager(applier, manager))?.fields
  const others = managers.filter((manager) => !isSameManager(applier, manager))

  const merged = mergeApplied(live, init.config, type)
  const object = last === undefined ? merged : prune(resource, merged, last, fields, others)
  const { added, modified, removed } = compare(live, object, type)
  const changed = added.union(modified)
  const allowed =
    init.manager === 'kubectl' && init.live !== undefined
      ? fieldsOfLastApplied(resource, init.live)
      : new FieldSet()
  const contested = changed.difference(allowed)
  const conflicts = others
    .map((manager) => ({ manager, fields: manager.fields.intersection(contested) }))
    .filter((conflict) => !conflict.fields.isEmpty)
  if (conflicts.length > 0 && !init.force) throw conflictError(conflicts)
  const left = others.map((manager) => ({
    ...manager,
    fields: manager.fields.difference(changed).difference(removed),
  }))
  const mine = managers.filter((manager) => isSameManager(applier, manager))
  const managedFields = writeManagers(
    replaceManager([...left, ...mine], { ...applier, fields }, init.now),
  )
  return { object: object as JsonObject, managedFields }
}

/** What an apply through this door can own: with a status subresource, not the other door's part. */
function ownable(set: FieldSet, resource: ServedResource, subresource: string): FieldSet {
  const owned = withoutSystemFields(set)
  if (!resource.definition.hasStatus) return owned
  return owned.without([subresource === 'status' ? 'f:spec' : 'f:status'])
}

/** Removes what this applier set last time, does not set now, and nobody else owns. */
function prune(
  resource: ServedResource,
  merged: unknown,
  last: FieldSet,
  now: FieldSet,
  others: readonly Manager[],
): unknown {
  const owned = others.reduce((set, manager) => set.union(manager.fields), now).withParents()
  const candidates = last.difference(now)
  const gone = candidates.difference(owned)
  return removeFields(merged, keepParentsOf(gone, owned), resource.type) ?? {}
}

/** An item or object with something in it that someone owns stays, whoever gave it up. */
function keepParentsOf(gone: FieldSet, owned: FieldSet): FieldSet {
  const kept = new FieldSet()
  for (const path of gone.paths()) {
    if (below(owned, path).isEmpty) kept.insert(path)
  }
  return kept
}

function below(set: FieldSet, path: readonly string[]): FieldSet {
  return path.reduce((rest, step) => rest.below(step), set)
}

function conflictError(
  conflicts: readonly { readonly manager: Manager; readonly fields: FieldSet }[],
): ApiError {
  const all = conflicts
    .toSorted((a, b) => (a.manager.name < b.manager.name ? -1 : 1))
    .flatMap(({ manager, fields }) =>
      fields.paths().map((path) => ({ by: describe(manager), field: formatPath(path) })),
    )
  const [first] = all
  const lines: string[] = []
  for (const by of new Set(all.map((conflict) => conflict.by))) {
    lines.push(`conflicts with ${by}:`)
    for (const conflict of all) if (conflict.by === by) lines.push(`- ${conflict.field}`)
  }
  const message =
    all.length === 1 && first !== undefined
      ? `Apply failed with 1 conflict: conflict with ${first.by}: ${first.field}`
      : `Apply failed with ${all.length} conflicts: ${lines.join('\n')}`
  return new ApiError(409, 'Conflict', message, {
    causes: all.map(({ by, field }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${by}`,
      field,
    })),
  })
}

function describe(manager: Manager): string {
  const name = JSON.stringify(manager.name)
  const named =
    manager.subresource === ''
      ? name
      : `${name} with subresource ${JSON.stringify(manager.subresource)}`
  if (manager.operation === 'Apply') return named
  const using = `${named} using ${manager.apiVersion}`
  return manager.time === undefined ? using : `${using} at ${manager.time}`
}
