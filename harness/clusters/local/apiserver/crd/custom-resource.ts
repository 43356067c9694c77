import type { KubeObject } from '../../../../model/kubernetes.ts'
import { asText, isArray, isObject, valueAt } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { ResourceDefinition, ScalePaths, TableColumn } from '../resource-definition.ts'
import { ageColumn } from '../resource-definition.ts'
import type { ObjectType } from '../schema.ts'
import { applySchemaDefaults } from './defaults.ts'
import { firstAt } from './json-path.ts'
import { customType } from './structural-schema.ts'
import { validateAgainst } from './validate.ts'

/** One served version of a custom resource. */
export interface CustomVersion {
  readonly definition: ResourceDefinition
  readonly type: ObjectType
  readonly storageVersion: string
}

/** The resources that a CustomResourceDefinition asks for. */
export function customVersions(crd: KubeObject): readonly CustomVersion[] {
  const spec = isObject(crd['spec']) ? crd['spec'] : {}
  const versions = isArray(spec['versions']) ? spec['versions'].filter(isObject) : []
  const stored = versions.find((version) => version['storage'] === true)
  const group = String(spec['group'])
  return versions
    .filter((version) => version['served'] === true)
    .map((version) => {
      const found = valueAt(version, ['schema', 'openAPIV3Schema'])
      const schema = isObject(found) ? found : {}
      return {
        definition: definitionOf(spec, group, version, schema),
        type: customType(schema),
        storageVersion: `${group}/${String(stored?.['name'])}`,
      }
    })
}

function definitionOf(
  spec: JsonObject,
  group: string,
  version: JsonObject,
  schema: JsonObject,
): ResourceDefinition {
  const names = isObject(spec['names']) ? spec['names'] : {}
  const strings = (value: unknown) => (isArray(value) ? value.map(String) : [])
  const subresources = isObject(version['subresources']) ? version['subresources'] : {}
  const hasStatus = isObject(subresources['status'])
  const scale = scalePaths(subresources['scale'])
  const columns = columnsOf(version['additionalPrinterColumns'])
  const selectable = isArray(version['selectableFields']) ? version['selectableFields'] : []
  return {
    group,
    version: String(version['name']),
    kind: String(names['kind']),
    plural: String(names['plural']),
    namespaced: spec['scope'] === 'Namespaced',
    singular: asText(names['singular']),
    shortNames: strings(names['shortNames']),
    categories: strings(names['categories']),
    columns: columns ?? [ageColumn],
    hasAge: false,
    countsGeneration: true,
    hasStatus,
    ...(scale !== undefined && { scale }),
    fieldSelectors: selectable
      .filter(isObject)
      .map((field) => String(field['jsonPath']).replace(/^\./, '')),
    applyDefaults: (object) => {
      applySchemaDefaults(object, schema)
    },
    prepareForCreate: (object) => {
      if (hasStatus) delete object['status']
    },
    validate: (object) => validateAgainst(withoutMetadata(object), schema, ''),
  }
}

/** Metadata is checked by the machinery; schemas may only restrict its name. */
function withoutMetadata(object: KubeObject): unknown {
  return { ...object, metadata: { name: object.metadata.name } }
}

function scalePaths(scale: unknown): ScalePaths | undefined {
  if (!isObject(scale)) return undefined
  const path = (field: string) => asText(scale[field]).replace(/^\./, '')
  return {
    specReplicas: path('specReplicasPath'),
    statusReplicas: path('statusReplicasPath'),
    selector: path('labelSelectorPath'),
  }
}

/** @returns undefined when none are declared: AGE is shown then */
function columnsOf(declared: unknown): readonly TableColumn[] | undefined {
  if (!isArray(declared) || declared.length === 0) return undefined
  return declared.filter(isObject).map((column) => {
    const type = String(column['type'])
    const path = String(column['jsonPath'])
    return {
      name: String(column['name']),
      type: type === 'date' ? 'date' : type === 'integer' ? 'integer' : 'string',
      description: asText(column['description']),
      priority: Number(column['priority'] ?? 0) === 0 ? 0 : 1,
      cell: (object) => cellOf(firstAt(object, path)),
    }
  })
}

function cellOf(value: unknown): string | number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'number') return value
  return typeof value === 'boolean' ? String(value) : JSON.stringify(value)
}
