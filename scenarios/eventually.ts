import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../harness/api.ts'

export interface EventuallyOptions extends AbortOptions {
  /** How long a conformant implementation may take. */
  readonly withinMs: number
  /** Pause between tries; 50 unless told. */
  readonly everyMs?: number
}

/**
 * Tries until `accept` says yes or the time is up, and gives the last thing seen either way.
 * What a data plane does is eventually consistent: a change reaches it within a bound, not at once.
 */
export async function eventually<T>(
  look: () => Promise<T>,
  accept: (seen: T) => boolean,
  { withinMs, everyMs = 50, signal }: EventuallyOptions,
): Promise<{ readonly accepted: boolean; readonly seen: T; readonly tookMs: number }> {
  const startedAt = performance.now()
  for (;;) {
    signal.throwIfAborted()
    const seen = await look()
    const tookMs = performance.now() - startedAt
    if (accept(seen)) return { accepted: true, seen, tookMs }
    if (tookMs >= withinMs) return { accepted: false, seen, tookMs }
    await delay(everyMs, undefined, { signal })
  }
}
