import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { MutableObject, ResourceDefinition, TableColumn } from '../resource-definition.ts'

type Base = Pick<ResourceDefinition, 'kind' | 'plural' | 'namespaced'> & Partial<ResourceDefinition>

/** A definition from what is special about a kind. */
export function define(base: Base): ResourceDefinition {
  return {
    group: '',
    version: 'v1',
    singular: base.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    columns: [],
    countsGeneration: false,
    hasStatus: false,
    ...base,
  }
}

export function column(
  name: string,
  cell: TableColumn['cell'],
  {
    priority = 0,
    type = 'string',
  }: { readonly priority?: 0 | 1; readonly type?: TableColumn['type'] } = {},
): TableColumn {
  return { name, type, priority, description: name, cell }
}

/** Reads deep into an object: `at(pod, 'spec', 'nodeName')`; undefined where the path ends early. */
export function at(object: unknown, ...path: readonly (string | number)[]): unknown {
  let value = object
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Reflect.get(value, key)
  }
  return value
}

export function textAt(object: unknown, ...path: readonly (string | number)[]): string {
  const value = at(object, ...path)
  return typeof value === 'string' ? value : ''
}

export function numberAt(object: unknown, ...path: readonly (string | number)[]): number {
  const value = at(object, ...path)
  return typeof value === 'number' ? value : 0
}

export function listAt(object: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const value = at(object, ...path)
  return Array.isArray(value) ? value : []
}

/** Sets a field that is absent. */
export function fill(
  object: Record<string, unknown>,
  defaults: Readonly<Record<string, unknown>>,
): void {
  for (const [key, value] of Object.entries(defaults))
    if (object[key] === undefined) object[key] = value
}

/** A nested object as something that may be changed; made when it is absent. */
export function inside(object: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = object[key]
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  const made: Record<string, unknown> = {}
  object[key] = made
  return made
}

/** `app=nginx,tier=web`, or `<none>`. */
export function selectorText(selector: unknown): string {
  if (typeof selector !== 'object' || selector === null) return '<none>'
  const labels = 'matchLabels' in selector ? selector.matchLabels : selector
  const pairs = Object.entries((labels ?? {}) as Record<string, string>)
  const expressions = listAt(selector, 'matchExpressions').map(expressionText)
  const all = [
    ...pairs.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`),
    ...expressions,
  ]
  return all.length === 0 ? '<none>' : all.join(',')
}

function expressionText(expression: unknown): string {
  const key = textAt(expression, 'key')
  const values = listAt(expression, 'values').join(',')
  switch (textAt(expression, 'operator')) {
    case 'In':
      return `${key} in (${values})`
    case 'NotIn':
      return `${key} notin (${values})`
    case 'Exists':
      return key
    default:
      return `!${key}`
  }
}

/** Whether every label of a selector is on an object (matchLabels and matchExpressions). */
export function selects(selector: unknown, labels: unknown): boolean {
  const own = (labels ?? {}) as Readonly<Record<string, string>>
  const wanted = Object.entries((at(selector, 'matchLabels') ?? {}) as Record<string, string>)
  return (
    wanted.every(([key, value]) => own[key] === value) &&
    listAt(selector, 'matchExpressions').every((expression) => {
      const value = own[textAt(expression, 'key')]
      const values = listAt(expression, 'values')
      switch (textAt(expression, 'operator')) {
        case 'In':
          return value !== undefined && values.includes(value)
        case 'NotIn':
          return value === undefined || !values.includes(value)
        case 'Exists':
          return value !== undefined
        default:
          return value === undefined
      }
    })
  )
}

/** Containers and images of a pod template, for `-o wide`. */
export function templateColumns(): readonly TableColumn[] {
  const containers = (object: KubeObject): readonly unknown[] =>
    listAt(object, 'spec', 'template', 'spec', 'containers')
  return [
    column(
      'Containers',
      (object) =>
        containers(object)
          .map((one) => textAt(one, 'name'))
          .join(','),
      { priority: 1 },
    ),
    column(
      'Images',
      (object) =>
        containers(object)
          .map((one) => textAt(one, 'image'))
          .join(','),
      { priority: 1 },
    ),
    column('Selector', (object) => selectorText(at(object, 'spec', 'selector')), { priority: 1 }),
  ]
}

/** A status that a client sends at creation is not taken. */
export function dropStatus(object: MutableObject): void {
  object['status'] = {}
}
