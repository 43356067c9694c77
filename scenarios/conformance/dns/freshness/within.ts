import { setTimeout as delay } from 'node:timers/promises'
import type { CheckContext, Observation } from '../../../../harness/api.ts'
import { ask, dataOf, describeAnswer, type Question } from '../../support/dns.ts'
import type { Judgement } from '../../support/judgement.ts'
import { patience, plain } from '../expect.ts'

/** Pause between two looks while a change is waited for: what is recorded is right to this, in ms. */
const everyMs = 20

/** What a change is to lead to: exactly these records of the type asked for, or none because of `code`. */
export type State = { readonly data: readonly string[] } | { readonly code: 'NXDOMAIN' }

export interface Turned {
  readonly seen: Observation
  /** From the call until the answer that showed it. */
  readonly tookMs: number
  readonly ok: boolean
}

export interface Turn {
  readonly label: string
  readonly state: State
  /** Bounds the time until the first of the answers in a row. */
  readonly withinMs: number
  /** So many answers one after the other have to show it: servers behind one address learn of it one by one. */
  readonly inARow?: number
}

/** Two servers that take turns by chance: one that is late is missed once in 64 times. */
const usualInARow = 6

/**
 * Waits for answers that show a change, judges what was seen last, and says how long it took until the first of them.
 * Call it when the API server has taken the change.
 */
export async function turnsInto(
  context: CheckContext,
  judgement: Judgement,
  question: Question,
  { label, state, withinMs, inARow = usualInARow }: Turn,
): Promise<Turned> {
  const type = question.type ?? 'A'
  const wanted = 'data' in state ? [...state.data].sort().join() : ''
  const shows = (seen: Observation): boolean =>
    seen.kind === 'dns' &&
    ('code' in state
      ? seen.rcode === state.code
      : seen.rcode === 'NOERROR' && dataOf(seen, type).map(plain).sort().join() === wanted)
  const expected = 'code' in state ? state.code : `NOERROR ${type} ${wanted}`
  const startedAt = performance.now()
  let [count, tookMs] = [0, 0]
  for (;;) {
    const seen = await ask(context, question)
    const now = performance.now() - startedAt
    count = shows(seen) ? count + 1 : 0
    if (count <= 1) tookMs = now
    if (count >= inARow || (count === 0 && now >= patience(judgement, withinMs))) {
      const ok = count > 0 && tookMs <= withinMs
      const observed = `${describeAnswer(seen)} after ${Math.round(tookMs)} ms`
      judgement.holds(`${label} within ${Math.round(withinMs)} ms`, expected, observed, ok)
      return { seen, tookMs, ok }
    }
    await delay(everyMs, undefined, { signal: context.signal })
  }
}

/** The longest TTL of an answer's records, in ms: how long a client may remember it. */
export function ttlMs(seen: Observation): number {
  if (seen.kind !== 'dns') return 0
  return Math.max(0, ...seen.answers.map(({ ttlSeconds }) => ttlSeconds)) * 1_000
}

/** How long a negative answer may be remembered, in ms: the lesser of the SOA's TTL and its last number (RFC 2308 §5). */
export function negativeTtlMs(seen: Observation): number | undefined {
  if (seen.kind !== 'dns') return undefined
  const soa = seen.authorities.find(({ type }) => type === 'SOA')
  if (soa === undefined) return undefined
  const minimum = Number(soa.data.split(' ').at(-1))
  return Math.min(soa.ttlSeconds, minimum) * 1_000
}

/** `12, 15 and 40 ms`. */
export function milliseconds(all: readonly number[]): string {
  return `${all.map((one) => String(Math.round(one))).join(', ')} ms`
}
