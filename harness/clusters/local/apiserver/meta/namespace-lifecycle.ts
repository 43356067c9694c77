import { forbidden, notFound } from '../api-errors.ts'
import type { ApiEnvironment } from '../environment.ts'
import type { ServedResource } from '../registry.ts'

/**
 * New objects need a namespace that exists and stays (the NamespaceLifecycle admission of the real server). Nothing
 * is checked where namespaces are not served at all.
 * @throws ApiError 404 when the namespace does not exist, 403 while it is being deleted
 */
export function requireNamespace(
  environment: ApiEnvironment,
  resource: ServedResource,
  namespace: string | undefined,
  name: string,
): void {
  const namespaces = environment.registry.find('', 'v1', 'namespaces')
  if (namespaces === undefined || namespace === undefined) return
  const found = namespaces.storage.get(namespace)
  if (found === undefined) throw notFound(namespaces.definition, namespace)
  if (found.metadata.deletionTimestamp === undefined) return
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  throw forbidden(resource.definition, name, why, [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ])
}
