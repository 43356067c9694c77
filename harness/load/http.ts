import type { LoadJob, LoadOptions, LoadResult, LoadTarget } from '../model/load.ts'
import { answerChecker } from './answer-checker.ts'
import { fifo } from './fifo.ts'
import { type Connection, connection } from './http-connection.ts'
import { openLoop } from './open-loop.ts'

/**
 * Open-loop HTTP over kept-alive connections, which take turns. A request that waits for a free one counts its
 * waiting: the client would have waited too.
 */
export async function openHttp(
  job: LoadJob,
  target: Extract<LoadTarget, { kind: 'http' }>,
  options: LoadOptions,
): Promise<LoadResult> {
  const checker = answerChecker(target.expect)
  const connections = Array.from({ length: target.connections }, () =>
    connection({ target, checker, closing: false }),
  )
  await Promise.all(connections.map((one) => one.open()))
  const idle = fifo<Connection>()
  const waiting = fifo<(free: Connection) => void>()
  for (const one of connections) idle.push(one)
  const release = (free: Connection): void => {
    const next = waiting.shift()
    if (next === undefined) idle.push(free)
    else next(free)
  }
  return openLoop(
    job,
    {
      tool: 'meshmark',
      issue: (onSent, onDone) => {
        const use = (free: Connection): void => {
          onSent()
          free.send((outcome) => {
            onDone(outcome)
            release(free)
          })
        }
        const free = idle.shift()
        if (free === undefined) waiting.push(use)
        else use(free)
      },
      close: () => {
        for (const one of connections) one.close()
      },
    },
    options,
  )
}
