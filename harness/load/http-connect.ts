import type { LoadJob, LoadOptions, LoadResult, LoadTarget } from '../model/load.ts'
import { answerChecker } from './answer-checker.ts'
import { closedLoop } from './closed-loop.ts'
import { type Connection, connection } from './http-connection.ts'
import { openLoop } from './open-loop.ts'
import type { Client } from './outcome.ts'

/** A new connection for every request: connect, one GET with `Connection: close`, end. */
export function httpConnect(
  job: LoadJob,
  target: Extract<LoadTarget, { kind: 'http-connect' }>,
  options: LoadOptions,
): Promise<LoadResult> {
  const checker = answerChecker(target.expect)
  const open = new Set<Connection>()
  const request: Client = (onDone) => {
    const one = connection({ target, checker, closing: true })
    open.add(one)
    one.send((outcome) => {
      open.delete(one)
      onDone(outcome)
    })
  }
  const close = (): void => {
    for (const one of open) one.close()
  }
  if (job.profile.kind === 'closed-loop') {
    const clients = Array.from({ length: job.profile.concurrency }, () => request)
    return closedLoop(job, { tool: 'meshmark', clients, close }, options)
  }
  const issue = (onSent: () => void, onDone: Parameters<Client>[0]): void => {
    onSent()
    request(onDone)
  }
  return openLoop(job, { tool: 'meshmark', issue, close }, options)
}
