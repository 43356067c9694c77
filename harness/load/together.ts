import { LoadError } from '../model/errors.ts'
import type { LoadGenerator, LoadJob, LoadOptions, LoadResult } from '../model/load.ts'
import { merged, type Part } from './merged.ts'
import { shareOf } from './share-of.ts'

/** A load program and the node that it stands on. */
export interface LoadingNode {
  readonly node: string
  readonly generator: LoadGenerator
}

/** A part whose window is shorter than this share of what was asked for was stopped. */
const wholeWindow = 0.99

/**
 * Several generators as one: each takes its share of every job, all of them start at once, and their results are put
 * together. A part that is stopped (a stranger answered it) stops the others. One generator alone is left as it is.
 */
export function together(nodes: readonly LoadingNode[]): LoadGenerator {
  const [only] = nodes
  if (only === undefined) throw new LoadError('invalid-job', 'load nodes: got none, want one')
  if (nodes.length === 1) return only.generator
  return {
    run: (job, options) => runTogether(nodes, job, options),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map(({ generator }) => generator[Symbol.asyncDispose]()))
    },
  }
}

async function runTogether(
  nodes: readonly LoadingNode[],
  job: LoadJob,
  { signal, began }: LoadOptions,
): Promise<LoadResult> {
  const stop = new AbortController()
  const stopped = new LoadError('program-failed', 'stopped, because another node was')
  const each = AbortSignal.any([signal, stop.signal])
  const broken: LoadError[] = []
  const load = async ({ node, generator }: LoadingNode, index: number): Promise<Part> => {
    let beganMs: number | undefined
    try {
      const result = await generator.run(shareOf(job, index, nodes.length), {
        signal: each,
        // why: on the harness' own clock; those of the nodes are not compared
        began: () => {
          beganMs = performance.now()
          began?.()
        },
      })
      if (result.invalid.length > 0 && result.windowMs < job.durationMs * wholeWindow)
        stop.abort(stopped)
      return { node, result, beganMs }
    } catch (error) {
      if (error !== stopped && !signal.aborted) broken.push(brokenAt(node, error))
      stop.abort(stopped)
      return { node }
    }
  }
  const parts = await Promise.all(nodes.map(load))
  signal.throwIfAborted()
  const [first] = broken
  if (first !== undefined) throw first
  return merged(parts)
}

function brokenAt(node: string, error: unknown): LoadError {
  const said = error instanceof Error ? error.message : String(error)
  const code = error instanceof LoadError ? error.code : 'program-failed'
  return new LoadError(code, `${node}: ${said}`, { cause: error })
}
