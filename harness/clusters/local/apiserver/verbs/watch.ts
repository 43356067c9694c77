import type { KubeObject } from '../../../../model/kubernetes.ts'
import { expired } from '../api-errors.ts'
import type { ApiEnvironment } from '../environment.ts'
import { failureStatus } from '../http/answer.ts'
import type { ServedResource } from '../registry.ts'
import type { Selection } from '../selectors/selection.ts'
import type { StorageEvent } from '../storage/event-log.ts'
import type { FrameWriter } from './frame-writer.ts'
import type { WatchRequest } from './watch-options.ts'

/** How a watch shows its objects: as they are, as rows of a Table, or as metadata. */
export type ShowObject = (object: KubeObject) => string

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** The last bookmark before a watch ends comes this long before its time is up. */
const farewellMs = 2_000

/**
 * Streams the changes of a selection until the client goes, the time is up or the client is too slow.
 * Returns at once; the writer ends the stream.
 */
export function watchObjects(
  environment: ApiEnvironment,
  resource: ServedResource,
  selection: Selection,
  request: WatchRequest,
  show: ShowObject,
  writer: FrameWriter,
): void {
  const { store, tuning } = environment
  const { storage } = resource
  const version = request.version ?? 0
  const current = store.version
  const tellsInitial = request.sendInitialEvents ?? version === 0
  let latest = current

  const send = (type: EventType, object: KubeObject) => {
    writer.write(`{"type":"${type}","object":${show(object)}}\n`)
  }
  const bookmark = (annotations?: Readonly<Record<string, string>>) => {
    writer.write(`${JSON.stringify(bookmarkEvent(resource, latest, annotations))}\n`)
  }
  const forward = (event: StorageEvent) => {
    const told = translate(event, selection)
    if (told !== undefined) send(told.type, told.object)
  }

  if (tellsInitial) {
    const initial =
      request.hidesInitial === true
        ? []
        : storage.values().filter((object) => selection.matches(object))
    writer.writeAll(
      (function* () {
        for (const object of initial) yield `{"type":"ADDED","object":${show(object)}}\n`
      })(),
    )
    if (request.sendInitialEvents === true && request.wantsBookmarks) {
      bookmark({ 'k8s.io/initial-events-end': 'true' })
    }
  } else {
    const from = version === 0 ? current : version
    const missed = storage.log.after(Math.min(from, current))
    if (missed === undefined) {
      const oldest = storage.log.oldestVersion
      const status = failureStatus(expired(`too old resource version: ${version} (${oldest})`))
      writer.write(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
      writer.end()
      return
    }
    for (const event of missed) forward(event)
  }

  const listening = storage.listen((event) => {
    latest = event.version
    // why: a version from the future, as after a restart, must not bring what the client has already
    if (event.version > version) forward(event)
  })
  const timeoutMs =
    (request.timeoutSeconds ?? tuning.watchTimeoutSeconds * (1 + Math.random())) * 1_000
  const timers = [
    setTimeout(() => {
      writer.end()
    }, timeoutMs),
  ]
  if (request.wantsBookmarks) {
    const remind = () => {
      latest = Math.max(latest, store.version)
      bookmark()
    }
    timers.push(setInterval(remind, tuning.bookmarkIntervalMs))
    if (timeoutMs > farewellMs) timers.push(setTimeout(remind, timeoutMs - farewellMs))
  }
  for (const timer of timers) timer.unref()
  writer.onEnd(() => {
    listening[Symbol.dispose]()
    for (const timer of timers) clearTimeout(timer)
  })
}

/** What a change is to those who see only a selection: entering it is ADDED, leaving it DELETED. */
function translate(
  event: StorageEvent,
  selection: Selection,
): { readonly type: EventType; readonly object: KubeObject } | undefined {
  const { object, previous } = event
  const was = previous !== undefined && selection.matches(previous)
  const is = event.type !== 'DELETED' && selection.matches(object)
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object }
  if (!was) return undefined
  if (event.type === 'DELETED') return { type: 'DELETED', object }
  // why: who leaves a selection is shown as last selected, with the version of the change
  const { resourceVersion } = object.metadata
  const last = { ...previous, metadata: { ...previous.metadata, resourceVersion } }
  return { type: 'DELETED', object: last as KubeObject }
}

function bookmarkEvent(
  { definition }: ServedResource,
  version: number,
  annotations: Readonly<Record<string, string>> | undefined,
): unknown {
  const { group, version: apiVersion, kind } = definition
  return {
    type: 'BOOKMARK',
    object: {
      kind,
      apiVersion: group === '' ? apiVersion : `${group}/${apiVersion}`,
      metadata: {
        resourceVersion: String(version),
        creationTimestamp: null,
        ...(annotations !== undefined && { annotations }),
      },
    },
  }
}
