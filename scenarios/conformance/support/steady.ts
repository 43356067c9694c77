import { setTimeout as delay } from 'node:timers/promises'
import type { CheckContext, Position } from '../../../harness/api.ts'
import { failuresOf, podsAnswering, volley } from './connect.ts'
import { ask, dataOf, describeAnswer } from './dns.ts'

/** Something that has to be so each time it is looked at. */
export interface Look {
  readonly name: string
  /** What is wrong, in words; undefined when it is as it has to be. */
  readonly look: () => Promise<string | undefined>
}

export interface Seen {
  readonly looks: number
  readonly wrong: number
  /** The first few, with the time since the start. */
  readonly examples: readonly string[]
}

const examplesKept = 5

/** Looks again and again, each thing on its own, while the check does something else. */
export interface Watch {
  /** Looks no more and tells what was seen. @throws what a look threw: trouble of the harness */
  stop(): Promise<Seen>
}

export function keepLooking(
  context: Pick<CheckContext, 'signal' | 'keep'>,
  looks: readonly Look[],
  { everyMs }: { readonly everyMs: number },
): Watch {
  const startedAt = performance.now()
  const ended = new AbortController()
  let count = 0
  let wrong = 0
  const examples: string[] = []
  const follow = async ({ name, look }: Look): Promise<void> => {
    while (!ended.signal.aborted) {
      const begunAt = performance.now()
      const problem = await look()
      count += 1
      if (problem !== undefined) {
        wrong += 1
        const atS = ((begunAt - startedAt) / 1000).toFixed(1)
        if (examples.length < examplesKept) examples.push(`${name} at ${atS} s: ${problem}`)
      }
      const restMs = Math.max(1, everyMs - (performance.now() - begunAt))
      await delay(restMs, undefined, { signal: ended.signal }).catch(() => undefined)
    }
  }
  const running = Promise.all(looks.map(follow))
  running.catch(() => undefined)
  context.keep({
    [Symbol.asyncDispose]: () => {
      ended.abort()
      return Promise.resolve()
    },
  })
  return {
    stop: async () => {
      ended.abort()
      await running
      return { looks: count, wrong, examples }
    },
  }
}

export function describeSeen({ looks, wrong, examples }: Seen): string {
  return `${wrong} of ${looks} looks wrong${examples.length === 0 ? '' : `: ${examples.join('; ')}`}`
}

/** Longer than any answer of a node's own agent; a client gives up after 5 s. */
const answerMs = 3_000

/** A name has these addresses. */
export function nameHas(
  context: CheckContext,
  at: Position,
  name: string,
  addresses: readonly string[],
): Look {
  return {
    name: `${name} from ${at.network} of ${at.node}`,
    look: async () => {
      const seen = await ask(context, { at, name, timeoutMs: answerMs })
      const is = seen.kind === 'dns' && seen.rcode === 'NOERROR'
      const same = [...addresses].sort().join() === dataOf(seen, 'A').join()
      return is && same ? undefined : describeAnswer(seen)
    },
  }
}

/** A new TCP connection is answered by one of these pods. */
export function tcpAnswered(
  context: CheckContext,
  at: Position,
  host: string,
  port: number,
  pods: readonly string[],
): Look {
  return {
    name: `TCP ${host}:${port} from ${at.network} of ${at.node}`,
    look: async () => {
      const seen = await volley(context, at, { host, port, connectionTimeoutMs: answerMs })
      if (failuresOf(seen) > 0) return Object.keys(seen.failures).join()
      const stranger = [...podsAnswering(seen).keys()].find((pod) => !pods.includes(pod))
      return stranger === undefined ? undefined : `answered by ${stranger}`
    },
  }
}

/** A datagram from a new socket is answered. */
export function udpAnswered(context: CheckContext, at: Position, host: string, port: number): Look {
  return {
    name: `UDP ${host}:${port} from ${at.network} of ${at.node}`,
    look: async () => {
      const probe = await context.probe(at)
      const job = { kind: 'udp', host, port, send: 'who', timeoutMs: answerMs } as const
      const seen = await probe.run(job, context)
      return seen.kind === 'udp' && seen.received.startsWith('pod=') ? undefined : seen.kind
    },
  }
}
