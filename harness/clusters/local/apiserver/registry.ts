import type { ResourceDefinition, Verb } from './resource-definition.ts'
import { qualifiedResource } from './api-errors.ts'
import type { ObjectType } from './schema.ts'
import type { Collection, Store } from './storage/store.ts'

/** A resource that is served now: its rules, where its objects are, and the shape of its fields. */
export interface ServedResource {
  readonly definition: ResourceDefinition
  readonly storage: Collection
  /** Undefined where the shape is not known. */
  readonly type: ObjectType | undefined
  /** Objects are stored with this apiVersion and shown with the definition's own. */
  readonly storageVersion: string
  readonly isCustom: boolean
}

export const everyVerb: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
]

/** `v1`, or `apps/v1` outside the core group. */
export function apiVersionOf(type: { readonly group: string; readonly version: string }): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`
}

/** Every resource that is served; grows and shrinks with custom resource definitions. */
export class Registry {
  readonly #store: Store
  readonly #resources = new Map<string, ServedResource>()
  #revision = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Changes whenever the set of resources does: documents derived from it are cached by this number. */
  get revision(): number {
    return this.#revision
  }

  add(
    definition: ResourceDefinition,
    type: ObjectType | undefined,
    init: { readonly isCustom?: boolean; readonly storageVersion?: string } = {},
  ): ServedResource {
    const resource = {
      definition,
      type,
      storage: this.#store.collection(qualifiedResource(definition)),
      storageVersion: init.storageVersion ?? apiVersionOf(definition),
      isCustom: init.isCustom ?? false,
    }
    this.#resources.set(keyOf(definition), resource)
    this.#revision += 1
    return resource
  }

  remove(type: {
    readonly group: string
    readonly version: string
    readonly plural: string
  }): void {
    if (this.#resources.delete(keyOf(type))) this.#revision += 1
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#resources.get(keyOf({ group, version, plural }))
  }

  findKind(kind: string, group?: string): ServedResource | undefined {
    for (const resource of this.#resources.values()) {
      if (resource.definition.kind !== kind) continue
      if (group === undefined || resource.definition.group === group) return resource
    }
    return undefined
  }

  all(): readonly ServedResource[] {
    return [...this.#resources.values()]
  }
}

function keyOf(type: {
  readonly group: string
  readonly version: string
  readonly plural: string
}) {
  return `${type.group}/${type.version}/${type.plural}`
}
