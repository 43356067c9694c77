import { merge } from '../measure/histogram.ts'
import type { HistogramSummary, LoadResult } from '../model/load.ts'

/** What one of several nodes found; nothing of one that was stopped because another was. */
export interface Part {
  readonly node: string
  readonly result?: LoadResult
  /** When its window began, on the harness' clock. */
  readonly beganMs?: number | undefined
}

/** The windows of all nodes have this share of the longest in common: else a rate would be a sum of what never met. */
const commonShare = 0.9

/**
 * One result of those of several nodes: histograms added, counts and rates summed. It is invalid when one of them is,
 * and when they did not load at the same time; every reason names its node.
 */
export function merged(parts: readonly Part[]): LoadResult {
  const results = parts.flatMap(({ result }) => (result === undefined ? [] : [result]))
  const sum = (of: (one: LoadResult) => number): number =>
    results.reduce((total, one) => total + of(one), 0)
  const most = (of: (one: LoadResult) => number): number => Math.max(0, ...results.map(of))
  const reasons = parts.flatMap(({ node, result }) =>
    (result?.invalid ?? []).map((why) => `on ${node}, ${why}`),
  )
  return {
    scheduled: sum(({ scheduled }) => scheduled),
    completed: sum(({ completed }) => completed),
    failures: summedFailures(results),
    windowMs: most(({ windowMs }) => windowMs),
    achievedRps: sum(({ achievedRps }) => achievedRps),
    response: mergedTimes(results.map(({ response }) => response)),
    service: mergedTimes(results.map(({ service }) => service)),
    lag: mergedTimes(results.map(({ lag }) => lag)),
    meanInFlight: sum(({ meanInFlight }) => meanInFlight),
    generator: {
      cpuUs: sum(({ generator }) => generator.cpuUs),
      eventLoopUtilization: most(({ generator }) => generator.eventLoopUtilization),
      gcMs: sum(({ generator }) => generator.gcMs),
      tool: [...new Set(results.map(({ generator }) => generator.tool))].join(', '),
    },
    // why: a trial that was stopped has its reason, and its windows are what they are
    invalid: reasons.length > 0 ? reasons : apart(parts),
  }
}

function summedFailures(results: readonly LoadResult[]): Readonly<Record<string, number>> {
  const sums = new Map<string, number>()
  for (const { failures } of results)
    for (const [why, count] of Object.entries(failures)) sums.set(why, (sums.get(why) ?? 0) + count)
  return Object.fromEntries(sums)
}

function mergedTimes(summaries: readonly HistogramSummary[]): HistogramSummary {
  const nothing = { count: 0, minUs: 0, meanUs: 0, maxUs: 0, encoded: '' }
  return merge(summaries.map(({ encoded }) => encoded)) ?? nothing
}

/** Why the nodes did not load together. */
function apart(parts: readonly Part[]): readonly string[] {
  const silent = parts.filter(
    ({ result, beganMs }) => result === undefined || beganMs === undefined,
  )
  if (silent.length > 0)
    return silent.map(({ node }) => `it was not told when the window of ${node} began`)
  const windows = parts.map(({ result, beganMs = 0 }) => ({
    from: beganMs,
    to: beganMs + (result?.windowMs ?? 0),
  }))
  const longestMs = Math.max(...windows.map(({ from, to }) => to - from))
  const commonMs =
    Math.min(...windows.map(({ to }) => to)) - Math.max(...windows.map(({ from }) => from))
  if (commonMs >= longestMs * commonShare) return []
  return [
    `the nodes did not load at the same time: their windows have ${Math.max(0, Math.round(commonMs))} of ${Math.round(longestMs)} ms in common`,
  ]
}
