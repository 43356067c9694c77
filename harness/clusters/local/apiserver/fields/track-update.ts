import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { ApiEnvironment, WriteOptions } from '../environment.ts'
import type { ServedResource } from '../registry.ts'

/** The managedFields of an object after a write that is no apply. */
export function trackUpdate(
  _old: KubeObject | undefined,
  object: KubeObject,
  _resource: ServedResource,
  _options: WriteOptions,
  _environment: ApiEnvironment,
  _subresource?: string,
): unknown {
  return object.metadata['managedFields']
}
