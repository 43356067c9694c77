import { setTimeout as delay } from 'node:timers/promises'
import type { ProbeSpec } from '../pod/pod.ts'
import { type HandlerTarget, runHandler } from './handlers.ts'

export interface ProberInit {
  readonly probe: ProbeSpec
  readonly target: HandlerTarget
  /** Aborted when the container ends. */
  readonly signal: AbortSignal
  /** Told when the verdict flips, by thresholds; never told the same twice in a row. */
  readonly onVerdict: (ok: boolean) => void
  /** Told about every failed try that counts. */
  readonly onFailure: (message: string) => void
  /**
   * Tries more often than every period until the first success, so that a pod is Ready when it is and not up to a
   * period later. Those extra tries never count as failures.
   */
  readonly eager: boolean
  /** Ends with the first success (startup probes). */
  readonly once?: boolean
}

/** First pause between extra tries; doubled each time, up to a second. */
const firstEagerMs = 25
const longestEagerMs = 1000

/** Runs a probe by its period and thresholds until its container ends. */
export async function runProber(init: ProberInit): Promise<void> {
  const { probe, signal } = init
  const { initialDelaySeconds = 0, periodSeconds = 10 } = probe
  const judge = judgement(init)
  try {
    if (initialDelaySeconds > 0) await delay(initialDelaySeconds * 1000, undefined, { signal })
    for (;;) {
      const nextAt = performance.now() + periodSeconds * 1000
      const verdict = judge(await tryOnce(init), true)
      if (init.once === true && verdict === true) return
      if (init.eager && verdict !== true && (await tryEagerly(init, nextAt, judge))) return
      await delay(Math.max(0, nextAt - performance.now()), undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

type Result = Awaited<ReturnType<typeof runHandler>>
type Judge = (result: Result, counts: boolean) => boolean | undefined

async function tryOnce({ probe, target, signal }: ProberInit): Promise<Result> {
  const result = await runHandler(probe, target, (probe.timeoutSeconds ?? 1) * 1000)
  signal.throwIfAborted()
  return result
}

/** @returns whether the prober has done its work */
async function tryEagerly(init: ProberInit, untilMs: number, judge: Judge): Promise<boolean> {
  for (
    let pauseMs = firstEagerMs;
    performance.now() + pauseMs < untilMs;
    pauseMs = Math.min(pauseMs * 2, longestEagerMs)
  ) {
    await delay(pauseMs, undefined, { signal: init.signal })
    if (judge(await tryOnce(init), false) === true) return init.once === true
  }
  return false
}

/** Turns results into a verdict by the probe's thresholds. */
function judgement({ probe, onVerdict, onFailure }: ProberInit): Judge {
  const { successThreshold = 1, failureThreshold = 3 } = probe
  let verdict: boolean | undefined
  let streak = { ok: false, count: 0 }
  return ({ ok, message }, counts) => {
    if (!ok && !counts) return verdict
    streak = { ok, count: streak.ok === ok ? streak.count + 1 : 1 }
    if (!ok) onFailure(message)
    if (streak.count >= (ok ? successThreshold : failureThreshold) && verdict !== ok) {
      verdict = ok
      onVerdict(ok)
    }
    return verdict
  }
}
