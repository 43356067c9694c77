import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { ApiEnvironment, WriteOptions } from '../environment.ts'
import { apiVersionOf } from '../registry.ts'
import type { ServedResource } from '../registry.ts'
import { compare } from './compare.ts'
import { FieldSet } from './field-set.ts'
import {
  isSameManager,
  readManagers,
  replaceManager,
  withoutSystemFields,
  writeManagers,
} from './managed-fields.ts'

/**
 * The managedFields of an object after a write that is no apply: the writer owns what it changed, and who owned that
 * before owns it no more.
 */
export function trackUpdate(
  old: KubeObject | undefined,
  object: KubeObject,
  resource: ServedResource,
  options: WriteOptions,
  environment: ApiEnvironment,
  subresource = '',
): unknown {
  const sent: unknown = object.metadata['managedFields']
  const stored: unknown = old?.metadata['managedFields']
  // why: a client may rewrite the owners, as kubectl does when it moves to server-side apply; [{}] clears them
  const isRewritten = sent !== stored && Array.isArray(sent) && sent.length > 0
  const managers = (isRewritten ? readManagers(sent) : undefined) ?? readManagers(stored) ?? []

  const { added, modified, removed } = compare(old ?? {}, object, resource.type)
  const changed = withoutSystemFields(added.union(modified))
  const gone = withoutSystemFields(removed)
  if (changed.isEmpty && gone.isEmpty) return writeOrNothing(managers)
  const writer = {
    name: options.fieldManager,
    operation: 'Update' as const,
    apiVersion: apiVersionOf(resource.definition),
    subresource,
  }
  const own = managers.find((manager) => isSameManager(writer, manager))?.fields ?? new FieldSet()
  const others = managers
    .filter((manager) => !isSameManager(writer, manager))
    .map((manager) => ({
      ...manager,
      fields: manager.fields.difference(changed).difference(gone),
    }))
  const mine = managers.filter((manager) => isSameManager(writer, manager))
  return writeOrNothing(
    replaceManager(
      [...others, ...mine],
      { ...writer, fields: own.difference(gone).union(changed) },
      environment.strategy.now(),
    ),
  )
}

function writeOrNothing(managers: Parameters<typeof writeManagers>[0]): unknown {
  const entries = writeManagers(managers)
  return entries.length === 0 ? undefined : entries
}
