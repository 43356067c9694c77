import type { Answered, NotAnswered, VolleyJob } from '../model/probe.ts'
import { setMaxListeners } from 'node:events'
import { timedOut } from './failure.ts'
import type { Finding } from './run.ts'
import { askOnce } from './volley-connection.ts'

type Volley = Extract<Answered, { kind: 'volley' }>

/**
 * Many connections, so many at the same time. One that fails counts its request and those that would have followed on it
 * under the same kind. A volley that does not come to its end in time is timed out as a whole: nothing is said about
 * connections that were not made.
 * @throws the operating system's error when no connection can be made from here (no port left, an address not ours)
 */
export async function observeVolley(job: VolleyJob, signal: AbortSignal): Promise<Finding> {
  const { connections, concurrency, localAddresses = [], http } = job
  setMaxListeners(0, signal)
  const requests = http?.length ?? 1
  const order = new Array<number>(connections * requests).fill(-1)
  const counts = new Map<string, { readonly index: number; count: number }>()
  const failures: Partial<Record<NotAnswered['kind'], number>> = {}
  const broken = new AbortController()
  const give = AbortSignal.any([signal, broken.signal])
  setMaxListeners(0, give)
  let slowestMs = 0
  let next = 0
  let done = 0
  const worker = async (): Promise<void> => {
    while (next < connections && !give.aborted) {
      const number = next
      next += 1
      const from = localAddresses[number % localAddresses.length]
      const { answers, failure, durationMs } = await askOnce(job, from, give)
      if (give.aborted) return
      for (const [index, answer] of answers.entries()) {
        const seen = counts.get(answer) ?? { index: counts.size, count: 0 }
        seen.count += 1
        counts.set(answer, seen)
        order[number * requests + index] = seen.index
      }
      if (failure !== undefined)
        failures[failure.kind] = (failures[failure.kind] ?? 0) + requests - answers.length
      slowestMs = Math.max(slowestMs, durationMs)
      done += 1
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, connections) }, worker))
  } finally {
    broken.abort()
  }
  if (done < connections)
    return timedOut(`${done} of ${connections} connections within ${job.timeoutMs} ms`)
  const answers: Volley['answers'] = [...counts].map(([answer, { count }]) => ({ answer, count }))
  return { kind: 'volley', answers, order, failures, slowestMs }
}
