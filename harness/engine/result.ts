import type { Implementation, RunResult } from '../model/run-result.ts'
import { conclude } from './judge.ts'

/** What every kind of run knows of itself, beside what it found. */
export interface ResultInit extends Pick<
  RunResult,
  'runId' | 'suite' | 'schemaVersion' | 'environment' | 'cluster'
> {
  readonly startedAt: Date
  /** `performance.now()` of the same moment. */
  readonly began: number
  readonly implementation: Implementation
}

/** What a run found. */
export type Found = Pick<RunResult, 'partial' | 'problems'> &
  Partial<Pick<RunResult, 'walkthrough' | 'conformance' | 'bench' | 'gate'>>

/** Makes the result of a run, its conclusion included. */
export function resultOf(init: ResultInit, found: Found): RunResult {
  const { runId, suite, schemaVersion, environment, cluster, implementation, startedAt } = init
  return {
    apiVersion: 'meshmark.dev/v1alpha1',
    kind: 'RunResult',
    schemaVersion,
    runId,
    startedAt: startedAt.toISOString(),
    durationMs: performance.now() - init.began,
    suite,
    implementation,
    environment,
    cluster,
    ...found,
    conclusion: conclude(found),
  }
}
