import type { KubeObject } from '../../../../model/kubernetes.ts'
import { badRequest, expired, invalid, tooLargeResourceVersion } from '../api-errors.ts'
import { ApiError } from '../resource-definition.ts'
import type { FieldError } from '../resource-definition.ts'
import { present } from '../environment.ts'
import type { ApiEnvironment } from '../environment.ts'
import type { ServedResource } from '../registry.ts'
import type { Selection } from '../selectors/selection.ts'
import { decodeContinue, encodeContinue } from '../storage/continue-token.ts'
import { parseInteger } from './write-options.ts'

/** One list, or one piece of it. */
export interface ListResult {
  readonly items: readonly KubeObject[]
  readonly version: number
  readonly continueToken: string | undefined
  readonly remainingItemCount: number | undefined
}

const expiredContinue =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'

/** @throws ApiError 400, 410, 422 or 504 */
export function listObjects(
  environment: ApiEnvironment,
  resource: ServedResource,
  selection: Selection,
  query: URLSearchParams,
): ListResult {
  checkListOptions(query)
  const limit = parseInteger(query, 'limit') ?? 0
  const past = chooseVersion(environment, resource, query)
  const keys = past.objects === undefined ? resource.storage.keys() : [...past.objects.keys()]
  const get = (key: string) =>
    past.objects === undefined ? resource.storage.get(key) : past.objects.get(key)

  const items: KubeObject[] = []
  let lastKey = ''
  let index = firstAfter(keys, past.after)
  for (; index < keys.length; index += 1) {
    if (limit > 0 && items.length === limit) break
    const key = keys[index] ?? ''
    const object = get(key)
    if (object === undefined || !selection.matches(object)) continue
    items.push(present(resource, object))
    lastKey = key
  }
  const rest = keys.slice(index).filter((key) => {
    const object = get(key)
    return object !== undefined && selection.matches(object)
  })
  const isComplete = rest.length === 0
  return {
    items,
    version: past.version,
    continueToken: isComplete
      ? undefined
      : encodeContinue({ version: past.version, after: lastKey }),
    // why: the real server does not count what a selector leaves out
    remainingItemCount: isComplete || hasSelector(query) ? undefined : rest.length,
  }
}

interface ChosenVersion {
  readonly version: number
  /** Undefined means the current ones. */
  readonly objects: ReadonlyMap<string, KubeObject> | undefined
  readonly after: string | undefined
}

function chooseVersion(
  environment: ApiEnvironment,
  { storage }: ServedResource,
  query: URLSearchParams,
): ChosenVersion {
  const current = environment.store.version
  const token = query.get('continue') ?? ''
  if (token !== '') {
    const { version, after } = decodeContinue(token)
    if (version < 0) return { version: current, objects: undefined, after }
    const objects = version === current ? undefined : storage.at(version)
    if (version !== current && objects === undefined) {
      throw new ApiError(410, 'Expired', expiredContinue, undefined, {
        continue: encodeContinue({ version: -1, after }),
      })
    }
    return { version, objects, after }
  }
  const wanted = parseVersion(query)
  if (wanted === undefined || wanted === 0) {
    return { version: current, objects: undefined, after: undefined }
  }
  if (wanted > current) throw tooLargeResourceVersion(wanted, current)
  if (query.get('resourceVersionMatch') === 'Exact' && wanted !== current) {
    const objects = storage.at(wanted)
    if (objects === undefined) {
      throw expired(`The resourceVersion for the provided list is too old.`)
    }
    return { version: wanted, objects, after: undefined }
  }
  return { version: current, objects: undefined, after: undefined }
}

/** The resourceVersion parameter as a number; undefined when it is absent. 400 when it is none of ours. */
export function parseVersion(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? ''
  if (text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
    )
  }
  return Number(text)
}

function checkListOptions(query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch') ?? ''
  const hasContinue = (query.get('continue') ?? '') !== ''
  const version = query.get('resourceVersion') ?? ''
  const errors: FieldError[] = []
  const forbid = (field: string, detail: string) => {
    errors.push({ type: 'FieldValueForbidden', field, detail })
  }
  if (match !== '') {
    if (version === '') {
      forbid(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden unless resourceVersion is provided',
      )
    }
    if (hasContinue) {
      forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided')
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push({
        type: 'FieldValueNotSupported',
        field: 'resourceVersionMatch',
        value: match,
        detail: 'supported values: "Exact", "NotOlderThan", ""',
      })
    }
    if (match === 'Exact' && version === '0') {
      forbid(
        'resourceVersionMatch',
        'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
      )
    }
  }
  if (query.has('sendInitialEvents')) {
    forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list')
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
  if (hasContinue && version !== '' && version !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
}

function hasSelector(query: URLSearchParams): boolean {
  return (query.get('labelSelector') ?? '') !== '' || (query.get('fieldSelector') ?? '') !== ''
}

function firstAfter(keys: readonly string[], after: string | undefined): number {
  if (after === undefined) return 0
  const index = keys.findIndex((key) => key > after)
  return index === -1 ? keys.length : index
}
