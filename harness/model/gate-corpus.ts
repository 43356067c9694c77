import type { Fingerprint } from './fingerprint.ts'
import type { GateRule, GateVerdict, LookVerdict } from './gate.ts'
import type { CompletePair } from './gate-pairs.ts'

/** Sessions that really ran, with what was truly different in them: what a gate can be judged by, again and again. */
export interface GateCorpus {
  readonly apiVersion: 'meshmark.dev/v1alpha1'
  readonly kind: 'GateCorpus'
  readonly schemaVersion: '1.0.0'
  readonly sessions: readonly CorpusSession[]
}

export interface CorpusSession {
  readonly runId: string
  readonly startedAt: string
  readonly machine: Fingerprint
  /** Of the machine when the session began, over 1, 5 and 15 minutes. */
  readonly loadAverage: readonly number[]
  readonly suite: { readonly version: string; readonly commit?: string; readonly seed: number }
  readonly rule: GateRule
  readonly comparisons: readonly CorpusComparison[]
}

/** Two arms of a session, one number. */
export interface CorpusComparison {
  /** `l7-throughput/cpu`. */
  readonly id: string
  /** Who was compared: `candidate over baseline`. Comparisons of one family share the chances of error (Holm). */
  readonly family: string
  readonly better: 'lower' | 'higher'
  /** Relative. */
  readonly margin: number
  /**
   * How much worse the second arm was made, relative: 0.1 for 10 %; 0 where nothing differs; absent where it is not
   * known.
   */
  readonly injected?: number
  /** What the session itself said. */
  readonly said?: GateVerdict
  readonly pairs: readonly CompletePair[]
}

/** A comparison as the gate's rule sees it. */
export interface Replayed {
  readonly session: CorpusSession
  readonly comparison: CorpusComparison
  readonly verdict: GateVerdict
  readonly look: LookVerdict
}
