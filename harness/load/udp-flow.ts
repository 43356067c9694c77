import type { LoadJob, LoadOptions, LoadResult, LoadTarget } from '../model/load.ts'
import { closedLoop } from './closed-loop.ts'
import { lostDatagrams } from './lost-datagrams.ts'
import { openLoop } from './open-loop.ts'
import { answered, type Client } from './outcome.ts'
import { asking } from './watch-ask.ts'

/** A datagram without an answer is given up after this time. */
const timeoutMs = 1_000

/** A new UDP flow for every request: a socket of its own, one datagram there and one back, and it is closed. */
export async function udpFlows(
  job: LoadJob,
  target: Extract<LoadTarget, { kind: 'udp-flow' }>,
  options: LoadOptions,
): Promise<LoadResult> {
  const { ask } = asking({ kind: 'udp', host: target.host, port: target.port })
  const underWay = new Set<() => void>()
  const request: Client = (onDone) => {
    const giveUp = ask(({ answered: is, seen }) => {
      end()
      if (is && seen === target.expect.pod) onDone(answered)
      else if (is) onDone({ kind: 'foreign', detail: `pod ${seen}` })
      else onDone({ kind: 'failed', why: seen })
    })
    const timer = setTimeout(() => {
      end()
      giveUp()
      onDone({ kind: 'failed', why: 'timed-out' })
    }, timeoutMs)
    const end = (): void => {
      clearTimeout(timer)
      underWay.delete(leave)
    }
    const leave = (): void => {
      clearTimeout(timer)
      giveUp()
    }
    underWay.add(leave)
  }
  const close = (): void => {
    for (const leave of underWay) leave()
  }
  const lostBefore = lostDatagrams()
  const result = await loop(job, request, close, options)
  const lost = lostDatagrams() - lostBefore
  if (lost === 0) return result
  const reason = `the generator's machine threw away ${lost} datagrams that were not read in time`
  return { ...result, invalid: [...result.invalid, reason] }
}

function loop(
  job: LoadJob,
  request: Client,
  close: () => void,
  options: LoadOptions,
): Promise<LoadResult> {
  const { profile } = job
  const tool = 'meshmark'
  if (profile.kind === 'closed-loop') {
    const clients = Array.from({ length: profile.concurrency }, () => request)
    return closedLoop(job, { tool, clients, close }, options)
  }
  const issue = (onSent: () => void, onDone: Parameters<Client>[0]): void => {
    onSent()
    request(onDone)
  }
  return openLoop(job, { tool, issue, close }, options)
}
