import type { KubeObject } from '../../../../model/kubernetes.ts'
import { isObject } from '../json.ts'
import { apiVersionOf } from '../registry.ts'
import type { ServedResource } from '../registry.ts'
import { compare } from './compare.ts'
import { FieldSet } from './field-set.ts'
import { toFieldSet } from './to-field-set.ts'

const annotation = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * What `kubectl apply` owns by its annotation: the fields it wrote that are still as it wrote them. `kubectl apply
 * --server-side` may change those without a conflict, so that people can move from one to the other.
 */
export function fieldsOfLastApplied(resource: ServedResource, live: KubeObject): FieldSet {
  const config = parse(live.metadata.annotations?.[annotation])
  if (config?.['apiVersion'] !== apiVersionOf(resource.definition)) return new FieldSet()
  const { added, modified, removed } = compare(config, live, resource.type)
  return toFieldSet(config, resource.type)
    .difference(added)
    .difference(modified)
    .difference(removed)
}

function parse(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as unknown
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
