import { isArray, isObject } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { timestamp } from '../meta/object-meta.ts'
import { FieldSet } from './field-set.ts'

/** Who owns which fields: one entry of metadata.managedFields. */
export interface Manager {
  readonly name: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  /** When it last changed its fields. */
  readonly time: string | undefined
  readonly fields: FieldSet
}

/** Fields that no one owns. */
const systemFields = ['f:apiVersion', 'f:kind']
const systemMetadata = [
  'f:name',
  'f:namespace',
  'f:creationTimestamp',
  'f:selfLink',
  'f:uid',
  'f:clusterName',
  'f:generation',
  'f:managedFields',
  'f:resourceVersion',
  'f:deletionTimestamp',
  'f:deletionGracePeriodSeconds',
]

/** The set without what only the server sets. */
export function withoutSystemFields(set: FieldSet): FieldSet {
  const metadata = set.below('f:metadata').without(systemMetadata)
  return set
    .without([...systemFields, 'f:metadata'])
    .union(FieldSet.fromJson({}).replaceBelow('f:metadata', metadata))
}

/** @returns undefined when the entries do not parse: the stored ones count then */
export function readManagers(managedFields: unknown): readonly Manager[] | undefined {
  if (!isArray(managedFields)) return undefined
  try {
    return managedFields
      .filter(isObject)
      .filter((entry) => Object.keys(entry).length > 0)
      .map(readManager)
  } catch {
    return undefined
  }
}

/** Sorted as the real server does: appliers first, then by time. Managers without fields are left out. */
export function writeManagers(managers: readonly Manager[]): readonly JsonObject[] {
  return managers
    .filter((manager) => !manager.fields.isEmpty)
    .toSorted(
      (a, b) =>
        compareText(a.operation, b.operation) ||
        compareText(a.time ?? '', b.time ?? '') ||
        compareText(a.name, b.name),
    )
    .map((manager) => ({
      manager: manager.name,
      operation: manager.operation,
      apiVersion: manager.apiVersion,
      ...(manager.time !== undefined && { time: manager.time }),
      fieldsType: 'FieldsV1',
      fieldsV1: manager.fields.toJson(),
      ...(manager.subresource !== '' && { subresource: manager.subresource }),
    }))
}

/** Whether two entries are of one and the same manager. */
export function isSameManager(a: Omit<Manager, 'time' | 'fields'>, b: Manager): boolean {
  return (
    a.name === b.name &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    // why: an applier is one whatever version it applies; an updater is one for each version
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  )
}

/** Puts a manager's new fields in the place of its old ones; the time changes only when the fields do. */
export function replaceManager(
  managers: readonly Manager[],
  changed: Omit<Manager, 'time'>,
  now: Date,
): readonly Manager[] {
  const old = managers.find((manager) => isSameManager(changed, manager))
  const isUnchanged = old?.fields.equals(changed.fields) === true
  const time = isUnchanged ? old.time : timestamp(now)
  const others = managers.filter((manager) => !isSameManager(changed, manager))
  return [...others, { ...changed, time }]
}

function readManager(entry: JsonObject): Manager {
  const { manager, operation, apiVersion, time, fieldsV1, subresource } = entry
  if (operation !== 'Apply' && operation !== 'Update') throw new Error('bad operation')
  return {
    name: typeof manager === 'string' ? manager : '',
    operation,
    apiVersion: typeof apiVersion === 'string' ? apiVersion : '',
    subresource: typeof subresource === 'string' ? subresource : '',
    time: typeof time === 'string' ? time : undefined,
    fields: FieldSet.fromJson(isObject(fieldsV1) ? fieldsV1 : {}),
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
