import { ApiError } from '../resource-definition.ts'
import { forbidden, tooManyRequests } from '../api-errors.ts'
import type { ApiFault } from '../../../../model/cluster.ts'
import type { FrameWriter } from '../verbs/frame-writer.ts'

/** A fault that is in force. `all` also hits the unix socket, which the harness itself uses. */
export interface ActiveFault {
  readonly id: string
  readonly fault: ApiFault
  readonly scope: 'tcp' | 'all'
}

/** A watch that is open, as faults see it. */
export interface OpenWatch {
  readonly url: string
  readonly side: Side
  readonly writer: FrameWriter
}

/** Where a request came in. */
export type Side = 'tcp' | 'socket'

/** What the board makes happen beyond single requests. */
export interface FaultEffects {
  /** Closes the TCP side and every connection on it, or opens it again on the same port. */
  readonly refuse: (isRefusing: boolean) => Promise<void>
  readonly compact: () => void
}

/** Every fault in force, and every watch they may hit. */
export class FaultBoard {
  readonly #effects: FaultEffects
  readonly #active = new Map<string, ActiveFault>()
  readonly #watches = new Set<OpenWatch>()
  #lastId = 0

  constructor(effects: FaultEffects) {
    this.#effects = effects
  }

  list(): readonly ActiveFault[] {
    return [...this.#active.values()]
  }

  /** Puts a fault in force and resolves when it works. */
  async add(fault: ApiFault, scope: ActiveFault['scope']): Promise<ActiveFault> {
    this.#lastId += 1
    const active: ActiveFault = { id: String(this.#lastId), fault, scope }
    this.#active.set(active.id, active)
    if (fault.kind === 'compact') this.#effects.compact()
    if (fault.kind === 'refuse' && fault.match === undefined) await this.#effects.refuse(true)
    for (const watch of this.#watches) {
      if (!hits(active, watch.url, watch.side)) continue
      if (fault.kind === 'cut-watch' || fault.kind === 'refuse') watch.writer.cut()
      if (fault.kind === 'stalled-watch') watch.writer.pause()
    }
    return active
  }

  /** @returns false when there is no such fault */
  async heal(id: string): Promise<boolean> {
    const active = this.#active.get(id)
    if (active === undefined) return false
    this.#active.delete(id)
    const hasClosed = active.fault.kind === 'refuse' && active.fault.match === undefined
    if (hasClosed && !this.#refusesEverything()) {
      await this.#effects.refuse(false)
    }
    if (active.fault.kind === 'stalled-watch') {
      for (const watch of this.#watches) {
        if (this.find('stalled-watch', watch.url, watch.side) === undefined) watch.writer.resume()
      }
    }
    return true
  }

  /** The newest fault of a kind that hits a request. */
  find<Kind extends ApiFault['kind']>(
    kind: Kind,
    url: string,
    side: Side,
  ): Extract<ApiFault, { readonly kind: Kind }> | undefined {
    const found = [...this.#active.values()].findLast(
      (active) => active.fault.kind === kind && hits(active, url, side),
    )
    return found?.fault as Extract<ApiFault, { readonly kind: Kind }> | undefined
  }

  /** Keeps a watch in view until it ends, and lets the faults in force hit it. */
  track(watch: OpenWatch): void {
    this.#watches.add(watch)
    watch.writer.onEnd(() => this.#watches.delete(watch))
    if (this.find('cut-watch', watch.url, watch.side) !== undefined) watch.writer.cut()
    if (this.find('stalled-watch', watch.url, watch.side) !== undefined) watch.writer.pause()
  }

  #refusesEverything(): boolean {
    return this.list().some(({ fault }) => fault.kind === 'refuse' && fault.match === undefined)
  }
}

/** The failure that a `status` fault answers with. */
export function failureOf(status: number): ApiError {
  switch (status) {
    case 401:
      return new ApiError(401, 'Unauthorized', 'Unauthorized')
    case 403:
      return forbidden({ group: '', plural: 'requests' }, '', 'injected fault')
    case 429:
      return tooManyRequests('Too many requests, please try again later.', 1)
    case 503:
      return new ApiError(503, 'ServiceUnavailable', 'apiserver not ready', {
        retryAfterSeconds: 1,
      })
    default:
      return new ApiError(
        status,
        status >= 500 ? 'InternalError' : 'Unknown',
        'Internal error occurred: injected fault',
        {},
      )
  }
}

function hits(active: ActiveFault, url: string, side: Side): boolean {
  if (side === 'socket' && active.scope === 'tcp') return false
  return active.fault.match === undefined || url.includes(active.fault.match)
}
