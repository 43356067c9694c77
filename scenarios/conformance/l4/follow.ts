import type { CheckContext, Observation, Position } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { fromFreshClient } from '../support/fresh-client.ts'
import { describeVolley, failuresOf, podOf, type Volley, volley } from '../support/connect.ts'
import type { Judgement } from '../support/judgement.ts'

/** Where a client connects, and from where. */
export interface Front {
  readonly at: Position
  readonly host: string
  readonly port: number
  /** Asks by HTTP instead of listening for a greeting. */
  readonly http?: boolean
  /** What of an answer counts; the pod unless told. */
  readonly label?: (answer: string) => string
}

/** Connections of a look: of up to three backends with any fair choice all are met but for 1 in 10^5 looks. */
const connections = 30

/** A time-out of looks that are repeated; the one that is judged waits longer. */
const impatientMs = 1_000

export async function look(
  context: CheckContext,
  { at, host, port, http = false }: Front,
  count: number,
  connectionTimeoutMs = 5_000,
): Promise<Volley> {
  return volley(context, at, {
    host,
    port,
    connections: count,
    concurrency: 10,
    connectionTimeoutMs,
    ...(http && { http: [{ path: '/' }] }),
  })
}

export interface Followed {
  readonly ok: boolean
  /** Until the data path had followed. */
  readonly tookMs: number
  readonly told: string
}

/**
 * Records that connections come to be answered by exactly these pods (or what `label` makes of them), and from then on
 * by no other. `ok` is false when they do not: what would follow says nothing then.
 */
export async function answeredBy(
  context: CheckContext,
  judgement: Judgement,
  what: string,
  front: Front,
  pods: readonly string[],
): Promise<Followed> {
  const names = [...pods].sort()
  const { accepted, seen, tookMs } = await eventually(
    () => look(context, front, connections, impatientMs),
    (one) => failuresOf(one) === 0 && same(podsIn(one, front), names),
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  // why: the first look that fits may be luck; the next one is judged
  const judged = accepted ? await look(context, front, connections) : seen
  const answering = accepted
    ? [...new Set([...podsIn(seen, front), ...podsIn(judged, front)])]
    : podsIn(judged, front)
  judgement.set(`${what}: pods that answer`, names, answering)
  judgement.equal(`${what}: failures`, {}, judged.failures)
  return {
    ok: same(answering.sort(), names) && failuresOf(judged) === 0,
    tookMs,
    told: `${what}: ${describeVolley(judged)}`,
  }
}

/** Records that no connection comes to be answered any more, however it fails. */
export async function notAnswered(
  context: CheckContext,
  judgement: Judgement,
  what: string,
  front: Front,
): Promise<Followed> {
  const { seen: judged, tookMs } = await eventually(
    async () => {
      const first = await look(context, front, 5, impatientMs)
      // why: on a busy machine a look may be without an answer before the data path has followed
      return first.answers.length > 0 ? first : look(context, front, 10, impatientMs)
    },
    (one) => one.answers.length === 0,
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  judgement.set(`${what}: pods that answer`, [], podsIn(judged))
  return { ok: judged.answers.length === 0, tookMs, told: `${what}: ${describeVolley(judged)}` }
}

/** How many connections a client that nobody else uses tries. */
const freshAttempts = 5

/** Records that TCP connections come to be refused, and from then on each in time; in a pod those of a fresh client. */
export async function refused(
  context: CheckContext,
  judgement: Judgement,
  what: string,
  { at, host, port }: Front,
): Promise<Followed> {
  const probe = await context.probe(at)
  const connect = (): Promise<Observation> =>
    probe.run({ kind: 'tcp', host, port, expectBytes: 1, timeoutMs: 3_000 }, context)
  const { accepted, seen, tookMs } = await eventually(connect, ({ kind }) => kind === 'refused', {
    withinMs: context.threshold('convergenceMs'),
    signal: context.signal,
  })
  const judged = !accepted
    ? [seen]
    : at.network === 'container'
      ? await fromFreshClient(context, `client-${slug(what)}`, {
          transport: 'tcp',
          host,
          port,
          count: freshAttempts,
        })
      : await inTurn(freshAttempts, connect)
  const kinds = [...new Set(judged.map(({ kind }) => kind))]
  judgement.set(`${what}: what connecting comes to`, ['refused'], kinds)
  const slowest = Math.max(...judged.map(({ durationMs }) => durationMs))
  judgement.atMost(`${what}: slowest refusal`, context.threshold('refusedMs'), slowest)
  return {
    ok: same(kinds, ['refused']),
    tookMs,
    told: `${what}: ${judged.length} x ${kinds.join(', ')}, at most ${Math.round(slowest)} ms`,
  }
}

async function inTurn<T>(count: number, work: () => Promise<T>): Promise<readonly T[]> {
  const seen: T[] = []
  while (seen.length < count) seen.push(await work())
  return seen
}

function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}

export function podsIn(seen: Volley, { label = podOf }: Pick<Front, 'label'> = {}): string[] {
  return [...new Set(seen.answers.map(({ answer }) => label(answer)))].sort()
}

function same(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index])
}
