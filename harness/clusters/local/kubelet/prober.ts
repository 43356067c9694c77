import { setTimeout as delay } from 'node:timers/promises'
import { type HandlerResult, type HandlerTarget, runHandler } from './handlers.ts'
import type { ProbeSpec } from './pod.ts'

export interface ProberInit {
  readonly probe: ProbeSpec
  readonly target: HandlerTarget
  /** Aborted when the container ends. */
  readonly signal: AbortSignal
  /** Told when the verdict flips, by thresholds; never told the same twice in a row. */
  readonly onVerdict: (ok: boolean, message: string) => void
  /** Told about every failed try. */
  readonly onFailure: (message: string) => void
  /** Ends with the first success (startup probes). */
  readonly once?: boolean
}

/** Runs a probe by its period and thresholds until its container ends. */
export async function runProber(init: ProberInit): Promise<void> {
  const { probe, target, signal } = init
  const { initialDelaySeconds = 0, periodSeconds = 10, timeoutSeconds = 1 } = probe
  const { successThreshold = 1, failureThreshold = 3 } = probe
  let verdict: boolean | undefined
  let streak = { ok: false, count: 0 }
  try {
    if (initialDelaySeconds > 0) await delay(initialDelaySeconds * 1000, undefined, { signal })
    while (!signal.aborted) {
      const result: HandlerResult = await runHandler(probe, target, timeoutSeconds * 1000)
      if (signal.aborted) return
      streak = { ok: result.ok, count: streak.ok === result.ok ? streak.count + 1 : 1 }
      if (!result.ok) init.onFailure(result.message)
      const needed = result.ok ? successThreshold : failureThreshold
      if (streak.count >= needed && verdict !== result.ok) {
        verdict = result.ok
        init.onVerdict(result.ok, result.message)
        if (init.once === true && result.ok) return
      }
      // why: until the first success the next try comes soon, so that a pod is Ready when it is, not a period later
      const pauseMs = verdict === undefined && !result.ok ? firstTriesMs : periodSeconds * 1000
      await delay(Math.min(pauseMs, periodSeconds * 1000), undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Pause between tries of a probe that has never succeeded. */
const firstTriesMs = 50
