import type { LoadJob, LoadResult, LoadTarget } from '../model/load.ts'
import { answerChecker, type Connection, connection, type Outcome } from './http-connection.ts'
import { openLoop } from './open-loop.ts'

/** Open-loop HTTP over kept-alive connections; a request that waits for a free one counts its waiting. */
export function openHttp(
  job: LoadJob,
  target: Extract<LoadTarget, { kind: 'http' }>,
): Promise<LoadResult> {
  const checker = answerChecker(target)
  const connections = Array.from({ length: target.connections }, () => connection(target, checker))
  const idle: Connection[] = [...connections]
  const queue: ((free: Connection) => void)[] = []
  const release = (free: Connection): void => {
    const next = queue.shift()
    if (next === undefined) idle.push(free)
    else next(free)
  }
  return openLoop(job, {
    tool: 'meshmark',
    issue: (onSent, onDone) => {
      const use = (free: Connection): void => {
        onSent()
        free.send((outcome: Outcome) => {
          release(free)
          onDone(outcome)
        })
      }
      const free = idle.pop()
      if (free === undefined) queue.push(use)
      else use(free)
    },
    close: () => {
      for (const one of connections) one.close()
    },
  })
}
