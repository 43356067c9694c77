import { isArray, isObject, valueAt } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { label1035Problems } from '../meta/names.ts'
import type { FieldError, MutableObject, ResourceDefinition } from '../resource-definition.ts'
import type { KubeObject } from '../../../../model/kubernetes.ts'

/** Keeps a definition alive until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

/** apiextensions.k8s.io/v1 CustomResourceDefinition. */
export const customResourceDefinitions: ResourceDefinition = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  columns: [
    {
      name: 'Created At',
      type: 'string',
      description: 'when it was created',
      priority: 0,
      cell: (object) => object.metadata.creationTimestamp ?? null,
    },
  ],
  hasAge: false,
  countsGeneration: true,
  hasStatus: true,
  applyDefaults(object) {
    const spec: JsonObject = isObject(object['spec']) ? object['spec'] : {}
    const names = isObject(spec['names']) ? spec['names'] : {}
    const { kind } = names
    if (typeof kind === 'string') {
      names['singular'] ??= kind.toLowerCase()
      names['listKind'] ??= `${kind}List`
    }
    spec['conversion'] ??= { strategy: 'None' }
  },
  prepareForCreate(object: MutableObject) {
    const versions = valueAt(object, ['spec', 'versions'])
    const stored = isArray(versions)
      ? versions.filter(isObject).filter((version) => version['storage'] === true)
      : []
    object['status'] = {
      conditions: [],
      acceptedNames: { plural: '', kind: '' },
      storedVersions: stored.map((version) => version['name']),
    }
    const finalizers: unknown = object.metadata['finalizers']
    const others = isArray(finalizers) ? finalizers : []
    if (!others.includes(cleanupFinalizer)) {
      object.metadata['finalizers'] = [...others, cleanupFinalizer]
    }
  },
  validate: (object) => validate(object),
}

function validate(object: KubeObject): readonly FieldError[] {
  const errors: FieldError[] = []
  const spec = object['spec']
  const names = valueAt(spec, ['names'])
  const text = (path: readonly string[]) => {
    const value = valueAt(spec, path)
    return typeof value === 'string' ? value : ''
  }
  for (const path of [['group'], ['names', 'plural'], ['names', 'kind']]) {
    if (text(path) === '') {
      errors.push({ type: 'FieldValueRequired', field: `spec.${path.join('.')}`, detail: '' })
    }
  }
  const expected = `${text(['names', 'plural'])}.${text(['group'])}`
  if (object.metadata.name !== expected) {
    errors.push({
      type: 'FieldValueInvalid',
      field: 'metadata.name',
      value: object.metadata.name,
      detail: 'must be spec.names.plural+"."+spec.group',
    })
  }
  const scope = text(['scope'])
  if (scope !== 'Cluster' && scope !== 'Namespaced') {
    errors.push({
      type: 'FieldValueNotSupported',
      field: 'spec.scope',
      value: scope,
      detail: 'supported values: "Cluster", "Namespaced"',
    })
  }
  if (isObject(names)) {
    for (const detail of label1035Problems(text(['names', 'plural']))) {
      errors.push({
        type: 'FieldValueInvalid',
        field: 'spec.names.plural',
        value: names['plural'],
        detail,
      })
    }
  }
  return [...errors, ...validateVersions(valueAt(spec, ['versions']))]
}

function validateVersions(versions: unknown): readonly FieldError[] {
  const list = isArray(versions) ? versions.filter(isObject) : []
  const errors: FieldError[] = []
  list.forEach((version, index) => {
    if (!isObject(valueAt(version, ['schema', 'openAPIV3Schema']))) {
      errors.push({
        type: 'FieldValueRequired',
        field: `spec.versions[${index}].schema.openAPIV3Schema`,
        detail: 'schemas are required',
      })
    }
  })
  if (list.filter((version) => version['storage'] === true).length !== 1) {
    errors.push({
      type: 'FieldValueInvalid',
      field: 'spec.versions',
      value: list.map((version) => version['name']),
      detail: 'must have exactly one version marked as storage version',
    })
  }
  return errors
}
