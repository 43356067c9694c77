import type { ProgramChannel } from '../model/cluster.ts'
import { ProbeError } from '../model/errors.ts'
import type { Observation, Probe } from '../model/probe.ts'

interface Answer {
  readonly id: number
  readonly observation?: Observation
  readonly error?: string
}

interface Waiting {
  readonly resolve: (observation: Observation) => void
  readonly reject: (error: Error) => void
}

/** A probe at the other end of a channel. */
export function connectProbe(channel: ProgramChannel): Probe {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let ended: ProbeError | undefined
  const fail = (error: ProbeError): void => {
    ended ??= error
    for (const one of waiting.values()) one.reject(error)
    waiting.clear()
  }
  const settle = ({ id, observation, error }: Answer): void => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (observation !== undefined) one?.resolve(observation)
    else
      one?.reject(
        new ProbeError('bad-job', error ?? 'the probe gave neither observation nor error'),
      )
  }
  void (async () => {
    for await (const message of channel.messages) settle(message as Answer)
    const { code, signal, stderr } = await channel.exited
    fail(
      new ProbeError(
        'program-failed',
        `the probe ended (${signal ?? `exit code ${String(code)}`}) ${stderr.trim()}`,
      ),
    )
  })().catch((cause: unknown) => {
    fail(new ProbeError('protocol', 'the probe cannot be understood', { cause }))
  })
  return {
    run: (job, { signal }) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) throw ended
        signal.throwIfAborted()
        lastId += 1
        const id = lastId
        const abort = (): void => {
          channel.send({ id, cancel: true })
          waiting.delete(id)
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
        }
        const finish = (): void => {
          signal.removeEventListener('abort', abort)
        }
        waiting.set(id, {
          resolve: (observation) => {
            finish()
            resolve(observation)
          },
          reject: (error) => {
            finish()
            reject(error)
          },
        })
        signal.addEventListener('abort', abort, { once: true })
        channel.send({ id, job })
      }),
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}
