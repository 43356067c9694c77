import packet from 'dns-packet'
import type { LoadJob, LoadOptions, LoadResult, LoadTarget } from '../model/load.ts'
import { closedLoop } from './closed-loop.ts'
import { dnsSocket } from './dns-socket.ts'
import { lostDatagrams } from './lost-datagrams.ts'
import { openLoop } from './open-loop.ts'
import type { Client } from './outcome.ts'

/** Sockets that the load is spread over: distinct source ports, as of so many clients. */
const socketCount = 8

/** DNS over UDP: queries are encoded once and only their ids change; of answers the head is read. */
export async function dnsLoad(
  job: LoadJob,
  target: Extract<LoadTarget, { kind: 'dns' }>,
  options: LoadOptions,
): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: socketCount }, () => dnsSocket(target)))
  const queries = target.questions.map(({ name, type }) =>
    packet.encode({
      type: 'query',
      id: 0,
      flags: packet.RECURSION_DESIRED,
      questions: [{ name, type: type as never }],
    }),
  )
  let turn = 0
  const ask: Client = (onDone) => {
    const query = queries[turn % queries.length]
    const socket = sockets[turn % sockets.length]
    turn += 1
    if (query !== undefined) socket?.ask(query, onDone)
  }
  const close = (): void => {
    for (const socket of sockets) socket.close()
  }
  const lostBefore = lostDatagrams()
  const result = await loop(job, ask, close, options)
  const lost = lostDatagrams() - lostBefore
  if (lost === 0) return result
  const reason = `the generator's machine threw away ${lost} datagrams that were not read in time`
  return { ...result, invalid: [...result.invalid, reason] }
}

function loop(
  job: LoadJob,
  ask: Client,
  close: () => void,
  options: LoadOptions,
): Promise<LoadResult> {
  const { profile } = job
  if (profile.kind === 'closed-loop') {
    const clients = Array.from({ length: profile.concurrency }, () => ask)
    return closedLoop(job, { tool: 'meshmark', clients, close }, options)
  }
  const issue = (onSent: () => void, onDone: Parameters<Client>[0]): void => {
    onSent()
    ask(onDone)
  }
  return openLoop(job, { tool: 'meshmark', issue, close }, options)
}
