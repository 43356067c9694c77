/**
 * The shape of the built-in kinds, as far as the machinery needs it: which fields exist and of which type (strict
 * decoding), how lists merge in a strategic merge patch, and how they are owned in a server-side apply.
 *
 * It is read from `resources/fields.json`, a {@link SchemaDocument}:
 *
 * ```json
 * { "kinds": { "v1/Pod": "Pod", "apps/v1/Deployment": "Deployment" },
 *   "types": {
 *     "Pod": { "spec": "PodSpec", "status": "PodStatus" },
 *     "PodSpec": {
 *       "containers": "[]Container map=name merge=name",
 *       "nodeSelector": "{}string atomic",
 *       "tolerations": "[]Toleration",
 *       "volumes": "[]Volume map=name merge=name retainKeys",
 *       "hostNetwork": "bool" },
 *     "Container": { "ports": "[]ContainerPort map=containerPort,protocol merge=containerPort" },
 *     "ContainerPort": { "protocol": "string default=TCP", "containerPort": "int32" } } }
 * ```
 *
 * A field is written `TYPE FLAG...`. TYPE is a scalar name, the name of another type in `types`, `[]TYPE` (a list) or
 * `{}TYPE` (a map with string keys). `apiVersion`, `kind` and `metadata` of a top-level kind, and the type
 * `ObjectMeta` (for pod templates), need not be declared. Flags:
 *
 * - `map=a,b`: an associative list keyed by these fields (x-kubernetes-list-type: map, x-kubernetes-list-map-keys)
 * - `set`: a list whose scalars are its keys (x-kubernetes-list-type: set). A list with neither is atomic.
 * - `atomic`: an object or map that is owned as a whole (x-kubernetes-map-type: atomic); lists need no such flag
 * - `merge=key` or, for a list of scalars, `merge`: x-kubernetes-patch-strategy: merge with x-kubernetes-patch-merge-key
 * - `retainKeys`: x-kubernetes-patch-strategy contains retainKeys
 * - `default=value`: used where a key field of an associative list is absent (only such fields need it)
 */
export interface SchemaDocument {
  /** `apiVersion/kind` to the name of a type. */
  readonly kinds: Readonly<Record<string, string>>
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export type ScalarName =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'double'
  /** A string or a number, e.g. `100m`. */
  | 'quantity'
  /** An integer or a string, e.g. a targetPort. */
  | 'intOrString'
  /** RFC 3339, null allowed. */
  | 'time'
  /** Base64 in a string. */
  | 'bytes'
  /** Any JSON, owned as a whole. */
  | 'any'

/** One field's or list item's type, parsed. */
export type FieldType = ScalarType | ObjectType | ListType | MapType

export interface ScalarType {
  readonly kind: 'scalar'
  readonly name: ScalarName
  /** Only strings: what stands for an absent key field. */
  readonly default?: unknown
}

export interface ObjectType {
  readonly kind: 'object'
  readonly name: string
  readonly atomic: boolean
  readonly retainKeys: boolean
  /** Absent names are unknown fields. Parsed when first asked for, as types may refer to themselves. */
  readonly fields: ReadonlyMap<string, FieldType>
  /** Fields outside `fields` are kept as they are (x-kubernetes-preserve-unknown-fields). */
  readonly open: boolean
}

export interface MapType {
  readonly kind: 'map'
  readonly values: FieldType
  readonly atomic: boolean
}

export interface ListType {
  readonly kind: 'list'
  readonly items: FieldType
  readonly ownership: 'atomic' | 'set' | 'map'
  /** Of an associative list. */
  readonly keys: readonly string[]
  /** Strategic merge: undefined replaces the list, '' merges scalars, else the name of the key field. */
  readonly mergeKey: string | undefined
  readonly retainKeys: boolean
}

/** The types of many kinds. */
export interface Schema {
  /** @returns undefined for a kind that is not described: nothing is checked then, and lists are atomic */
  typeOf(apiVersion: string, kind: string): ObjectType | undefined
}

/** JSON of any shape. */
export const anyType: ScalarType = { kind: 'scalar', name: 'any' }

const scalarNames: ReadonlySet<string> = new Set<ScalarName>([
  'string',
  'bool',
  'int32',
  'int64',
  'double',
  'quantity',
  'intOrString',
  'time',
  'bytes',
  'any',
])

/** Types that every kind shares and no document needs to declare. */
const sharedTypes: SchemaDocument['types'] = {
  ObjectMeta: {
    name: 'string',
    generateName: 'string',
    namespace: 'string',
    selfLink: 'string',
    uid: 'string',
    resourceVersion: 'string',
    generation: 'int64',
    creationTimestamp: 'time',
    deletionTimestamp: 'time',
    deletionGracePeriodSeconds: 'int64',
    labels: '{}string',
    annotations: '{}string',
    ownerReferences: '[]OwnerReference map=uid merge=uid',
    finalizers: '[]string set merge',
    managedFields: '[]ManagedFieldsEntry',
  },
  OwnerReference: {
    apiVersion: 'string',
    kind: 'string',
    name: 'string',
    uid: 'string',
    controller: 'bool',
    blockOwnerDeletion: 'bool',
  },
  ManagedFieldsEntry: {
    manager: 'string',
    operation: 'string',
    apiVersion: 'string',
    time: 'time',
    fieldsType: 'string',
    fieldsV1: 'any',
    subresource: 'string',
  },
}

/**
 * Makes the document usable. Types are parsed on first use.
 * @throws Error naming the field when a type expression is wrong or names a type that is not declared
 */
export function parseSchema(document: SchemaDocument): Schema {
  const parsed = new Map<string, ObjectType>()
  const declared = { ...sharedTypes, ...document.types }
  const topLevel = new Set(Object.values(document.kinds))

  function objectType(name: string): ObjectType {
    const known = parsed.get(name)
    if (known !== undefined) return known
    const fields = declared[name]
    if (fields === undefined) throw new Error(`fields.json: type ${name} is not declared`)
    const made = new LazyObjectType(name, () => parseFields(name, fields))
    parsed.set(name, made)
    return made
  }

  function parseFields(owner: string, fields: Readonly<Record<string, string>>) {
    const result = new Map<string, FieldType>()
    if (topLevel.has(owner)) {
      result.set('apiVersion', parseType('string', owner))
      result.set('kind', parseType('string', owner))
      result.set('metadata', parseType('ObjectMeta', owner))
    }
    for (const [field, expression] of Object.entries(fields)) {
      result.set(field, parseType(expression, `${owner}.${field}`))
    }
    return result
  }

  function parseType(expression: string, at: string): FieldType {
    const [type = '', ...words] = expression.split(' ')
    const flags = new Map(words.map((word) => splitFlag(word)))
    if (type.startsWith('[]')) {
      const keys = flags.get('map')?.split(',') ?? []
      return {
        kind: 'list',
        items: parseType(type.slice(2), at),
        ownership: flags.has('map') ? 'map' : flags.has('set') ? 'set' : 'atomic',
        keys,
        mergeKey: flags.get('merge'),
        retainKeys: flags.has('retainKeys'),
      }
    }
    if (type.startsWith('{}')) {
      return { kind: 'map', values: parseType(type.slice(2), at), atomic: flags.has('atomic') }
    }
    if (isScalarName(type)) {
      const fallback = flags.get('default')
      return { kind: 'scalar', name: type, ...(fallback !== undefined && { default: fallback }) }
    }
    if (declared[type] === undefined) {
      throw new Error(`fields.json: ${at}: type ${type} is neither a scalar nor declared`)
    }
    const object = objectType(type)
    if (!flags.has('atomic') && !flags.has('retainKeys')) return object
    return {
      kind: 'object',
      name: object.name,
      atomic: flags.has('atomic'),
      retainKeys: flags.has('retainKeys'),
      open: object.open,
      get fields() {
        return object.fields
      },
    }
  }

  return {
    typeOf(apiVersion, kind) {
      const name = document.kinds[`${apiVersion}/${kind}`]
      return name === undefined ? undefined : objectType(name)
    },
  }
}

class LazyObjectType implements ObjectType {
  readonly kind = 'object'
  readonly name: string
  readonly atomic = false
  readonly retainKeys = false
  readonly open = false
  readonly #parse: () => ReadonlyMap<string, FieldType>
  #fields: ReadonlyMap<string, FieldType> | undefined

  constructor(name: string, parse: () => ReadonlyMap<string, FieldType>) {
    this.name = name
    this.#parse = parse
  }

  get fields(): ReadonlyMap<string, FieldType> {
    this.#fields ??= this.#parse()
    return this.#fields
  }
}

function splitFlag(word: string): [string, string] {
  const at = word.indexOf('=')
  return at === -1 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
}

function isScalarName(name: string): name is ScalarName {
  return scalarNames.has(name)
}

/** The metadata of every object. */
export const objectMetaType: FieldType = metaType()

function metaType(): FieldType {
  const schema = parseSchema({ kinds: { 'v1/Any': 'Any' }, types: { Any: {} } })
  return schema.typeOf('v1', 'Any')?.fields.get('metadata') ?? anyType
}
