import type { KubeObject } from '../../../../model/kubernetes.ts'
import { ageColumn } from '../resource-definition.ts'
import type { ResourceDefinition, TableColumn } from '../resource-definition.ts'
import { age } from './age.ts'

/** What of its object a row carries: kubectl asks for the object when it sorts or watches. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface TableInit {
  readonly metaVersion: string
  readonly include: IncludeObject
  readonly now: Date
}

const nameColumn: TableColumn = {
  name: 'Name',
  type: 'string',
  description:
    'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated.',
  priority: 0,
  cell: (object) => object.metadata.name,
}

/** Objects as rows of a meta.k8s.io Table. */
export function table(
  definition: ResourceDefinition,
  objects: readonly KubeObject[],
  metadata: Readonly<Record<string, unknown>>,
  init: TableInit,
): Record<string, unknown> {
  const columns = columnsOf(definition)
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${init.metaVersion}`,
    metadata,
    columnDefinitions: columns.map((column) => ({
      name: column.name,
      type: column.type === 'date' ? 'string' : column.type,
      format: column.name === 'Name' ? 'name' : '',
      description: column.description,
      priority: column.priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => cell(column, object, init.now)),
      object: included(object, init),
    })),
  }
}

/** An object with nothing but its metadata. */
export function partialObject(object: KubeObject, metaVersion: string): Record<string, unknown> {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata: object.metadata,
  }
}

const columnsByDefinition = new WeakMap<ResourceDefinition, readonly TableColumn[]>()

function columnsOf(definition: ResourceDefinition): readonly TableColumn[] {
  const known = columnsByDefinition.get(definition)
  if (known !== undefined) return known
  const { columns: declared } = definition
  const has = (name: string) => declared.some((column) => column.name === name)
  const columns = has('Name') ? [...declared] : [nameColumn, ...declared]
  if (definition.hasAge !== false && !has('Age')) {
    const lastShown = columns.findLastIndex((column) => column.priority === 0)
    columns.splice(lastShown + 1, 0, ageColumn)
  }
  columnsByDefinition.set(definition, columns)
  return columns
}

function cell(column: TableColumn, object: KubeObject, now: Date): unknown {
  const value = column.cell(object)
  return column.type === 'date' ? age(value, now) : value
}

function included(object: KubeObject, init: TableInit): unknown {
  switch (init.include) {
    case 'None':
      return null
    case 'Object':
      return object
    case 'Metadata':
      return partialObject(object, init.metaVersion)
  }
}
