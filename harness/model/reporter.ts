import type { RunResult } from './run-result.ts'

/** Turns results into one document. Pure: same results, same text. */
export interface Reporter {
  readonly id: string
  /** With the dot: `.html`. */
  readonly extension: string
  /** @throws UsageError when the results do not hold what this format shows */
  render(results: readonly RunResult[]): string
  /** Where consumers want several small files instead: file name and text. */
  parts?(results: readonly RunResult[]): ReadonlyMap<string, string>
}
