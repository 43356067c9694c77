import type { LoadError } from '../model/errors.ts'
import type { Sighting, Watch } from '../model/watch.ts'
import type { SightingLine } from './watch.ts'

/** What a load program says of a watch. */
export interface WatchNews {
  /** Its clock, when it was asked. */
  readonly clockMs?: number
  /** It asks from now on. */
  readonly began?: boolean
  readonly sightings?: readonly SightingLine[]
}

/** The harness' end of a watch: gathers what the program tells, and dates it by the harness' own clock. */
export interface WatchReader {
  /** Takes a line of the program. */
  readonly news: (news: WatchNews) => void
  /** Nothing more will come. */
  readonly fail: (error: LoadError) => void
  /** Resolves when the clocks are compared and the watch began. */
  readonly began: Promise<Watch>
}

export interface WatchReaderInit {
  /** Asks the program for its clock. */
  readonly askClock: () => void
  readonly start: () => void
  /** Ends it at the program. */
  readonly stop: () => void
}

/** How often clocks are compared; the shortest round trip counts. */
const comparisons = 8

export function watchReader({ askClock, start, stop }: WatchReaderInit): WatchReader {
  let askedMs = performance.now()
  let compared = 0
  let clockErrorMs = Infinity
  const sightings: Sighting[] = []
  const listeners = new Set<() => void>()
  let zeroMs = 0
  let ended: LoadError | undefined
  let begin: (watch: Watch) => void
  let refuse: (error: LoadError) => void
  const began = new Promise<Watch>((resolve, reject) => {
    begin = resolve
    refuse = reject
  })
  const changed = (): void => {
    for (const listener of [...listeners]) listener()
  }
  const until: Watch['until'] = (accept, { withinMs, signal }) =>
    new Promise((resolve, reject) => {
      const over = (settle: () => void): void => {
        clearTimeout(timer)
        listeners.delete(look)
        signal.removeEventListener('abort', abort)
        settle()
      }
      const abort = (): void => {
        over(() => {
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
        })
      }
      const look = (): void => {
        if (ended !== undefined) {
          const error = ended
          over(() => {
            reject(error)
          })
        } else if (accept(sightings))
          over(() => {
            resolve(true)
          })
      }
      const timer = setTimeout(() => {
        over(() => {
          resolve(false)
        })
      }, withinMs)
      listeners.add(look)
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
      else look()
    })
  askClock()
  return {
    began,
    news: ({ clockMs, began: hasBegun, sightings: lines = [] }) => {
      if (clockMs !== undefined) {
        const halfMs = (performance.now() - askedMs) / 2
        compared += 1
        if (halfMs < clockErrorMs) {
          clockErrorMs = halfMs
          zeroMs = askedMs + halfMs - clockMs
        }
        if (compared < comparisons) {
          askedMs = performance.now()
          askClock()
          return
        }
        start()
      }
      if (hasBegun === true)
        begin({
          clockErrorMs,
          sightings,
          until,
          [Symbol.asyncDispose]: () => {
            stop()
            return Promise.resolve()
          },
        })
      for (const [sentMs, tookMs, answered, seen] of lines)
        sightings.push({ sentMs: zeroMs + sentMs, tookMs, answered: answered === 1, seen })
      changed()
    },
    fail: (error) => {
      ended ??= error
      refuse(error)
      changed()
    },
  }
}
