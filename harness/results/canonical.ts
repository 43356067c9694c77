import type { ConformanceResult, TestResult } from '../model/conformance.ts'
import type { BenchResult, RunResult } from '../model/run-result.ts'

/**
 * A result as text that is the same for equal results. Fields stand in the schema's order (parsing put them there),
 * entries of free maps such as `environment.tools` in alphabetical order.
 */
export function canonicalText(result: RunResult): string {
  const { environment, cluster, bench, conformance } = result
  const sorted: RunResult = {
    ...result,
    environment: { ...environment, tools: byKey(environment.tools) },
    cluster: { ...cluster, description: byKey(cluster.description) },
    ...(conformance !== undefined && { conformance: sortedConformance(conformance) }),
    ...(bench !== undefined && { bench: sortedBench(bench) }),
  }
  return `${JSON.stringify(sorted, null, 2)}\n`
}

function sortedBench(bench: BenchResult): BenchResult {
  const questions = bench.questions.map((question) => ({
    ...question,
    arms: question.arms.map((arm) => ({
      ...arm,
      trials: arm.trials.map((trial) => ({ ...trial, failures: byKey(trial.failures) })),
    })),
  }))
  return { ...bench, questions }
}

function sortedConformance(conformance: ConformanceResult): ConformanceResult {
  return {
    ...conformance,
    selection: byKey(conformance.selection),
    tests: conformance.tests.map((test) => ({ ...test, findings: test.findings.map(whole) })),
  }
}

/** why: JSON has no undefined, and a comparison without one of its sides could not be read back */
function whole(finding: TestResult['findings'][number]): TestResult['findings'][number] {
  const { expected = null, observed = null } = finding
  return { ...finding, expected, observed }
}

function byKey<T>(map: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
