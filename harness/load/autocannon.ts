import autocannon from 'autocannon'
import type { LoadJob, LoadOptions, LoadResult, LoadTarget } from '../model/load.ts'
import { type AnswerChecker, answerChecker } from './answer-checker.ts'
import { during } from './closed-loop.ts'
import { answered, failureName, type Outcome } from './outcome.ts'
import { warmUp } from './warm-up.ts'
import { measuredWindow, type Started, type Window } from './window.ts'

type HttpTarget = Extract<LoadTarget, { kind: 'http' }>

/** How long answers are waited for after the window. */
const drainMs = 2_000

/** After so many errors of its connections it gives up: it connects again at once, without a pause. */
const mostErrors = 1_000

/**
 * Closed-loop HTTP by autocannon, for saturation only. Of what it reports we take nothing but the moments of its
 * answers: its own latencies are floored to milliseconds and, with a rate, wrong by a factor of ten
 * (measurement.md, finding 1), and the times in its events belong to other requests after a server has closed a
 * connection. With one request per connection at a time, each is sent when the one before was answered; so its time
 * is the time between two answers. The first answer of each connection counts the connect and is left out.
 *
 * It decodes bodies as UTF-8: a page that is not text cannot be told from a stranger's.
 */
export async function autocannonLoad(
  job: LoadJob,
  target: HttpTarget,
  { signal, began }: LoadOptions,
): Promise<LoadResult> {
  if (job.profile.kind !== 'closed-loop')
    throw new RangeError('profile.kind: autocannon is used for closed loops only')
  const warm = warmUp(job)
  const window = measuredWindow(job, {
    onAnswer: warm.record,
    ...(began !== undefined && { onBegin: began }),
  })
  const runner = startAutocannon(job, target, window)
  const stopped = (): boolean => window.isStopped || signal.aborted || runner.hasEnded()
  for (const stretchMs of warm.stretches()) await during(stretchMs, stopped)
  window.begin()
  await during(job.durationMs, stopped)
  window.end()
  runner.drain()
  await during(drainMs, () => runner.open.size === 0 || stopped(), 1)
  for (const request of runner.open) window.abandon(request)
  await runner.stop()
  signal.throwIfAborted()
  return window.result('autocannon 9')
}

interface Runner {
  /** Requests under way. */
  readonly open: ReadonlySet<Started>
  hasEnded(): boolean
  /** Takes up no more requests. */
  drain(): void
  stop(): Promise<void>
}

function startAutocannon(job: LoadJob, target: HttpTarget, window: Window): Runner {
  const checker = answerChecker(target.expect)
  const open = new Set<Started>()
  const current = new WeakMap<object, Started>()
  let isDraining = false
  let hasEnded = false
  let status = 0
  const instance = autocannon(
    {
      url: `http://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}${target.path}`,
      headers: { host: target.authority },
      connections: job.profile.kind === 'closed-loop' ? job.profile.concurrency : 1,
      pipelining: 1,
      duration: Math.ceil((2 * job.warmupMs + job.durationMs + drainMs) / 1000) + 5,
      sampleInt: 100,
      bailout: mostErrors,
      verifyBody: (body: unknown) => verify(checker, window, status, body),
    },
    () => undefined,
  )
  const ended = new Promise<void>((resolve) => {
    instance.once('done', () => {
      hasEnded = true
      resolve()
    })
  })
  instance.on('response', (client, statusCode) => {
    status = statusCode
    const request = current.get(client)
    if (request !== undefined && open.delete(request))
      window.done(request, statusOutcome(statusCode, target))
    if (isDraining) return
    const next = window.start(performance.now())
    next.sentMs = next.intendedMs
    open.add(next)
    current.set(client, next)
  })
  instance.on('reqError', (error: NodeJS.ErrnoException) => {
    if (!isDraining) window.failed(failureName(error))
  })
  return {
    open,
    hasEnded: () => hasEnded,
    drain: () => {
      isDraining = true
    },
    stop: async () => {
      instance.stop()
      await ended
    },
  }
}

/** The body is looked at after the answer was counted: autocannon hands it over later. */
function statusOutcome(status: number, { expect }: HttpTarget): Outcome {
  if (status === expect.status) return answered
  return status >= 500
    ? { kind: 'failed', why: `status ${status}` }
    : { kind: 'foreign', detail: `status ${status}` }
}

function verify(checker: AnswerChecker, window: Window, status: number, body: unknown): boolean {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(String(body))
  const outcome = checker.check(status, bytes)
  if (outcome.kind === 'foreign') window.foreign(outcome.detail)
  return outcome.kind !== 'foreign'
}
