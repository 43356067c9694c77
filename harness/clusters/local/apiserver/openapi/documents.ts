import type { Registry, ServedResource } from '../registry.ts'

/** The OpenAPI v3 document of one group and version; undefined when nothing is served there. */
export function versionDocument(registry: Registry, group: string, version: string): unknown {
  const resources = registry
    .all()
    .filter(({ definition }) => definition.group === group && definition.version === version)
  if (resources.length === 0) return undefined
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.34.0' },
    paths: pathsOf(resources, (name) => ({
      name,
      in: 'query',
      schema: { type: 'string', uniqueItems: true },
    })),
    components: { schemas: {} },
  }
}

/** The OpenAPI v2 document of everything. */
export function swaggerDocument(registry: Registry): unknown {
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1.34.0' },
    paths: pathsOf(registry.all(), (name) => ({
      name,
      in: 'query',
      type: 'string',
      uniqueItems: true,
    })),
    definitions: {},
  }
}

function pathsOf(
  resources: readonly ServedResource[],
  parameter: (name: string) => unknown,
): Record<string, unknown> {
  const paths: Record<string, unknown> = {}
  for (const { definition } of resources) {
    const { group, version, kind } = definition
    const options = ['dryRun', 'fieldManager', 'fieldValidation'].map(parameter)
    const operation = (action: string) => ({
      operationId: `${action}${version}${definition.namespaced ? 'Namespaced' : ''}${kind}`,
      parameters: options,
      responses: { 200: { description: 'OK' } },
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': { group, version, kind },
    })
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
    const scope = definition.namespaced ? '/namespaces/{namespace}' : ''
    const collection = `${root}${scope}/${definition.plural}`
    paths[collection] = { post: operation('post') }
    if (definition.verbs?.includes('patch') === false) continue
    paths[`${collection}/{name}`] = { put: operation('put'), patch: operation('patch') }
  }
  return paths
}
