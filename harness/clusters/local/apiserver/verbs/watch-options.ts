import { invalid } from '../api-errors.ts'
import type { FieldError } from '../resource-definition.ts'
import { parseVersion } from './list.ts'
import { parseBoolean, parseInteger } from './write-options.ts'

/** What a watch asks for. */
export interface WatchRequest {
  /** Undefined or 0: everything that exists is told first, as ADDED. */
  readonly version: number | undefined
  readonly wantsBookmarks: boolean
  /** True: what exists is told first and a marked bookmark ends it. */
  readonly sendInitialEvents: boolean | undefined
  readonly timeoutSeconds: number | undefined
  /** Tells nothing of what exists, as if there were nothing (a fault). */
  readonly hidesInitial?: boolean
}

/** @throws ApiError 400 or 422 */
export function parseWatchOptions(query: URLSearchParams): WatchRequest {
  const sendInitialEvents = parseBoolean(query, 'sendInitialEvents')
  const match = query.get('resourceVersionMatch') ?? ''
  const errors: FieldError[] = []
  const forbid = (field: string, detail: string) => {
    errors.push({ type: 'FieldValueForbidden', field, detail })
  }
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    forbid(
      'resourceVersionMatch',
      'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    )
  }
  if (match !== '') {
    if (sendInitialEvents === undefined) {
      forbid(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      )
    }
    if (match !== 'NotOlderThan') {
      errors.push({
        type: 'FieldValueNotSupported',
        field: 'resourceVersionMatch',
        value: match,
        detail: 'supported values: "NotOlderThan"',
      })
    }
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
  return {
    version: parseVersion(query),
    wantsBookmarks: parseBoolean(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents,
    timeoutSeconds: parseInteger(query, 'timeoutSeconds'),
  }
}
