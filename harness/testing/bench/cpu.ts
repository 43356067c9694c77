import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { type ProcessName, usageOf } from '../../targets/shared/processes.ts'

/** The agent of the reference data plane in a process list. */
export const ourAgent: ProcessName = { program: 'node', argument: 'reference-impl/main.js' }

/** A program on a node. */
export interface Running {
  readonly node: string
  readonly program: ProcessName
}

/** CPU time that each of these used while `work` ran, in microseconds, all threads together. */
export async function cpuOf<T>(
  cluster: Cluster,
  programs: readonly Running[],
  work: () => Promise<T>,
  options: AbortOptions,
): Promise<{ readonly result: T; readonly cpuUs: readonly number[] }> {
  const used = (): Promise<readonly number[]> =>
    Promise.all(
      programs.map(async ({ node, program }) => {
        return (await usageOf(cluster, node, [program], options)).cpuUs
      }),
    )
  const before = await used()
  const result = await work()
  const after = await used()
  return { result, cpuUs: after.map((value, index) => value - (before[index] ?? NaN)) }
}
