import type { RunResult } from './run-result.ts'

/** Turns results into one document. Pure: same results, same text. */
export interface Reporter {
  readonly id: string
  /** With the dot: `.html`. */
  readonly extension: string
  render(results: readonly RunResult[]): string
}
