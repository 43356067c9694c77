import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { ResourceDefinition } from '../resource-definition.ts'
import { parseFieldSelector } from './field-selector.ts'
import { parseLabelSelector } from './label-selector.ts'

/** Which objects of a collection a request is about. */
export interface Selection {
  readonly namespace: string | undefined
  /** Set when only one name can match. */
  readonly name: string | undefined
  readonly isEverything: boolean
  matches(object: KubeObject): boolean
}

/** @throws ApiError 400 when a selector does not parse */
export function parseSelection(
  query: URLSearchParams,
  definition: ResourceDefinition,
  at: { readonly namespace: string | undefined; readonly name?: string | undefined },
): Selection {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '')
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', definition)
  const { namespace } = at
  return {
    namespace,
    name: at.name ?? fields?.name,
    isEverything:
      labels === undefined &&
      fields === undefined &&
      namespace === undefined &&
      at.name === undefined,
    matches: (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      (at.name === undefined || object.metadata.name === at.name) &&
      (labels === undefined || labels(object)) &&
      (fields === undefined || fields.matches(object)),
  }
}
