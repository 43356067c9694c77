import type { RunResult } from '../model/run-result.ts'

/**
 * A result as text that is the same for equal results. Fields stand in the schema's order (parsing put them there),
 * entries of free maps such as `environment.tools` in alphabetical order.
 */
export function canonicalText(result: RunResult): string {
  const { environment, cluster, bench } = result
  const sorted: RunResult = {
    ...result,
    environment: { ...environment, tools: byKey(environment.tools) },
    cluster: { ...cluster, description: byKey(cluster.description) },
    ...(bench !== undefined && {
      bench: {
        ...bench,
        questions: bench.questions.map((question) => ({
          ...question,
          arms: question.arms.map((arm) => ({
            ...arm,
            trials: arm.trials.map((trial) => ({ ...trial, failures: byKey(trial.failures) })),
          })),
        })),
      },
    }),
  }
  return `${JSON.stringify(sorted, null, 2)}\n`
}

function byKey<T>(map: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
