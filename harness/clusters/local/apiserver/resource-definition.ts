import type { KubeObject, ResourceType } from '../../../model/kubernetes.ts'

/**
 * One kind of the API as data plus its rules. The machinery (storage, verbs, patches, watch, Table) knows no kind;
 * everything kind-specific is here, in one file per kind under `resources/`.
 */
export interface ResourceDefinition extends ResourceType {
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  /**
   * Columns in the order kubectl shows them. The machinery puts NAME first unless a column is called `Name`, and AGE
   * after the last column of priority 0 unless a column is called `Age` (see {@link ageColumn}) or `hasAge` is false.
   */
  readonly columns: readonly TableColumn[]
  /** False for kinds whose table has no AGE, as Events. */
  readonly hasAge?: boolean
  /** What `metadata.name` may look like; absent means a DNS-1123 subdomain. */
  readonly nameRule?: 'dns1123-subdomain' | 'dns1123-label' | 'dns1035-label' | 'path-segment'
  /** What is served, e.g. a TokenReview is only created. Absent means every verb. */
  readonly verbs?: readonly Verb[]
  /** `metadata.generation` counts changes of `spec`. */
  readonly countsGeneration: boolean
  /** With a status subresource, a plain update ignores `status` and a status update ignores the rest. */
  readonly hasStatus: boolean
  readonly scale?: ScalePaths
  /** A delete answers with the object as it last was, not with a Status (`ReturnDeletedObject` of the real one). */
  readonly returnsDeleted?: boolean
  /** Default grace period of a delete in seconds; a positive one makes the delete two-phase, as for pods. */
  readonly gracefulDeletionSeconds?: (object: MutableObject) => number
  /** What beside `metadata.finalizers` keeps a deleted object alive, e.g. the `spec.finalizers` of a namespace. */
  readonly isHeldBack?: (object: KubeObject) => boolean
  /** What changes when a deletion begins and does not end at once, e.g. a namespace's phase. */
  readonly beginDeletion?: (object: MutableObject) => void
  /** Fields that a field selector may name beside metadata.name and metadata.namespace, e.g. `spec.nodeName`. */
  readonly fieldSelectors?: readonly string[]
  /** Fills in what the real API server fills in. Runs after decoding, before validation, on every write. */
  readonly applyDefaults?: (object: MutableObject) => void
  /** Allocates and normalises at creation (clusterIP, nodePort, status reset). May throw ApiError. */
  readonly prepareForCreate?: (object: MutableObject, context: StrategyContext) => void
  readonly prepareForUpdate?: (
    object: MutableObject,
    old: KubeObject,
    context: StrategyContext,
  ) => void
  /** Called when the write failed after prepareForCreate/Update: gives back what was allocated. */
  readonly rollback?: (
    object: KubeObject,
    old: KubeObject | undefined,
    context: StrategyContext,
  ) => void
  /** Called when the object is gone from storage. */
  readonly afterDelete?: (object: KubeObject, context: StrategyContext) => void
  readonly validate?: (object: KubeObject, old: KubeObject | undefined) => readonly FieldError[]
}

/** JSON that strategies may change in place. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- why: Kubernetes JSON is untyped here; strategies reach deep into it
export type MutableObject = Record<string, any> & { metadata: Record<string, any> }

export type Verb =
  'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

/** Declares where AGE stands, for kinds that show more columns after it without `-o wide`, as nodes. */
export const ageColumn: TableColumn = {
  name: 'Age',
  type: 'date',
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created.',
  priority: 0,
  cell: (object) => object.metadata.creationTimestamp ?? null,
}

export interface TableColumn {
  readonly name: string
  readonly type: 'string' | 'integer' | 'date'
  readonly description: string
  /** 0 is always shown, 1 only with `-o wide`. */
  readonly priority: 0 | 1
  /** For type `date` an RFC 3339 time, which the machinery turns into an age such as `5m`. */
  readonly cell: (object: KubeObject) => string | number | null
}

export interface ScalePaths {
  /** e.g. `spec.replicas` */
  readonly specReplicas: string
  readonly statusReplicas: string
  /** Path of the label selector in the object (an object with matchLabels or a map). */
  readonly selector: string
}

/** What a strategy may ask of the server. */
export interface StrategyContext {
  readonly serviceCidr: string
  readonly clusterDomain: string
  readonly nodePortRange: readonly [number, number]
  /** Every object of a kind now in storage, for allocation and collision checks. */
  readonly list: (kind: string) => readonly KubeObject[]
  readonly now: () => Date
}

/** One field that is wrong, as the real server says it: `spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive`. */
export interface FieldError {
  readonly type:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueTypeInvalid'
    | 'FieldValueDuplicate'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueNotFound'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
  /** `spec.ports[0].port` */
  readonly field: string
  readonly value?: unknown
  readonly detail: string
}

/** An answer that is not a success, as a Kubernetes Status. */
export class ApiError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: Readonly<Record<string, unknown>> | undefined
  /** The ListMeta of the Status, e.g. a new `continue`. */
  readonly metadata: Readonly<Record<string, unknown>>

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: Readonly<Record<string, unknown>>,
    metadata: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.reason = reason
    this.details = details
    this.metadata = metadata
  }
}
