import type { AbortOptions } from './abort.ts'

/** Any Kubernetes object, as its JSON. Callers narrow `spec` and `status` with their own types. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly generateName?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly finalizers?: readonly string[]
  readonly [field: string]: unknown
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

/** Addresses a collection of the API: `/apis/<group>/<version>/…/<plural>`. The core group is `''`. */
export interface ResourceType {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

export interface ObjectKey {
  readonly name: string
  /** Required for namespaced types, absent for others. */
  readonly namespace?: string
}

export interface ListOptions extends AbortOptions {
  /** Absent means every namespace. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface WatchOptions extends ListOptions {
  /** Start just after this version; absent means: from now, preceded by everything that exists. */
  readonly resourceVersion?: string
  readonly allowBookmarks?: boolean
  readonly timeoutSeconds?: number
}

export interface KubeList<T> {
  readonly resourceVersion: string
  readonly items: readonly T[]
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly object: KubeObject }

/** What `kubectl get` prints, from the server's own Table. */
export interface KubeTable {
  readonly columns: readonly { readonly name: string; readonly priority: number }[]
  readonly rows: readonly (readonly unknown[])[]
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

/**
 * A client of one Kubernetes API. Failures with a Status are thrown as KubeError with its code, reason and message;
 * an absent object is `undefined` from `get` and `false` from `delete`.
 */
export interface KubeClient {
  get<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    options: AbortOptions,
  ): Promise<T | undefined>
  list<T extends KubeObject>(type: ResourceType, options: ListOptions): Promise<KubeList<T>>
  /** Ends when the server ends it; throws KubeError 410 when the version is too old. */
  watch<T extends KubeObject>(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>>
  create<T extends KubeObject>(type: ResourceType, object: T, options: AbortOptions): Promise<T>
  replace<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: AbortOptions & { readonly subresource?: 'status' },
  ): Promise<T>
  patch<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: unknown,
    options: AbortOptions & {
      readonly type: PatchType
      readonly subresource?: string
      readonly fieldManager?: string
      readonly force?: boolean
    },
  ): Promise<T>
  delete(
    type: ResourceType,
    key: ObjectKey,
    options: AbortOptions & {
      readonly gracePeriodSeconds?: number
      readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
      readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
    },
  ): Promise<boolean>
  table(type: ResourceType, options: ListOptions): Promise<KubeTable>
  /** The type that an object's apiVersion and kind name; asks discovery for kinds it does not know. */
  typeOf(
    object: { readonly apiVersion: string; readonly kind: string },
    options: AbortOptions,
  ): Promise<ResourceType>
  /** Any request, for what the methods above do not cover. `body` is sent as JSON. */
  request(
    method: string,
    path: string,
    options: AbortOptions & {
      readonly body?: unknown
      readonly contentType?: string
      readonly accept?: string
    },
  ): Promise<{ readonly status: number; readonly body: string }>
}
