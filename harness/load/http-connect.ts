import type { LoadJob, LoadResult, LoadTarget } from '../model/load.ts'
import { closedLoop } from './closed-loop.ts'
import { answerChecker, connection, type Outcome } from './http-connection.ts'
import { openLoop } from './open-loop.ts'

/** A new connection for every request: connect, one GET with `Connection: close`, end. */
export function httpConnect(
  job: LoadJob,
  target: Extract<LoadTarget, { kind: 'http-connect' }>,
): Promise<LoadResult> {
  const checker = answerChecker(target)
  const close = (): void => undefined
  if (job.profile.kind === 'open-loop')
    return openLoop(job, {
      tool: 'meshmark',
      close,
      issue: (onSent, onDone) => {
        onSent()
        connection(target, checker, true).send(onDone)
      },
    })
  const clients = Array.from({ length: job.profile.concurrency }, () => {
    const own = connection(target, checker, true)
    return (onDone: (outcome: Outcome) => void) => {
      own.send(onDone)
    }
  })
  return closedLoop(job, { tool: 'meshmark', clients, close })
}
