import { setTimeout as delay } from 'node:timers/promises'
import type { CheckContext, Observation } from '../../../../harness/api.ts'
import { ask, dataOf, type Question } from '../../support/dns.ts'

/** A name that exists, and its A records. */
export interface Name {
  readonly question: Question
  readonly data: readonly string[]
}

export interface LookUp {
  readonly question: Question
  readonly seen: Observation
  readonly right: boolean
  /** As `performance.now()` counts. */
  readonly endedAtMs: number
}

/** Lookups that go on until they are stopped. */
export interface LookUps {
  /** Waits for those under way. @throws what broke a lookup: trouble of the harness */
  stop(): Promise<readonly LookUp[]>
}

/** 20 a second. */
const everyMs = 50

/** How long one may take: it is asked once. */
const timeoutMs = 2_000

/** Looks up the names in turn, one every 50 ms, however long the answers take. */
export function lookUps(context: CheckContext, names: readonly Name[]): LookUps {
  const done: LookUp[] = []
  const underWay: Promise<void>[] = []
  const stopped = new AbortController()
  const one = async ({ question, data }: Name): Promise<void> => {
    const seen = await ask(context, { ...question, timeoutMs })
    const right =
      seen.kind === 'dns' &&
      seen.rcode === 'NOERROR' &&
      dataOf(seen, 'A').join() === [...data].sort().join()
    done.push({ question, seen, right, endedAtMs: performance.now() })
  }
  const loop = async (): Promise<void> => {
    for (let at = 0; !stopped.signal.aborted && !context.signal.aborted; at += 1) {
      const name = names[at % names.length]
      if (name === undefined) return
      const lookUp = one(name)
      lookUp.catch(() => undefined)
      underWay.push(lookUp)
      await delay(everyMs)
    }
  }
  const looping = loop()
  return {
    stop: async () => {
      stopped.abort()
      await looping
      await Promise.all(underWay)
      return done
    },
  }
}
