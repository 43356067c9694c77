/** One load from several nodes: shares, results put together, and what makes the whole invalid. */
import t from 'tap'
import { recorder } from '../measure/histogram.ts'
import { LoadError } from '../model/errors.ts'
import type { LoadGenerator, LoadJob, LoadOptions, LoadResult } from '../model/load.ts'
import { poissonSchedule } from './pacer.ts'
import { shareOf } from './share-of.ts'
import { together } from './together.ts'

const job: LoadJob = {
  target: {
    kind: 'http',
    host: '127.0.0.1',
    port: 80,
    path: '/',
    authority: 'a',
    connections: 5,
    expect: { status: 200, bodySha256: '0'.repeat(64) },
  },
  profile: { kind: 'open-loop', rateRps: 500, maxInFlight: 101 },
  warmupMs: 100,
  durationMs: 1_000,
  seed: 7,
}

function times(us: number, count: number): LoadResult['response'] {
  const one = recorder()
  for (let index = 0; index < count; index += 1) one.record(us)
  return one.summary()
}

function found(part: Partial<LoadResult> = {}): LoadResult {
  return {
    scheduled: 110,
    completed: 100,
    failures: {},
    windowMs: 1_000,
    achievedRps: 100,
    response: times(200, 100),
    service: times(150, 100),
    lag: times(10, 100),
    meanInFlight: 0.5,
    generator: { cpuUs: 5, eventLoopUtilization: 0.2, gcMs: 1, tool: 'meshmark' },
    invalid: [],
    ...part,
  }
}

/** A load program that does as it is told; `pending` ends with its signal alone. */
function program(run: (options: LoadOptions, job: LoadJob) => Promise<LoadResult>): LoadGenerator {
  return {
    run: (one, options) => run(options, one),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

function good(part: Partial<LoadResult> = {}): LoadGenerator {
  return program(({ began }) => {
    began?.()
    return Promise.resolve(found(part))
  })
}

function untilStopped(stopped: () => void): LoadGenerator {
  return program(
    ({ signal, began }) =>
      new Promise((_resolve, reject) => {
        began?.()
        signal.addEventListener('abort', () => {
          stopped()
          reject(signal.reason as Error)
        })
      }),
  )
}

function run(
  a: LoadGenerator,
  b: LoadGenerator,
  signal = new AbortController().signal,
): Promise<LoadResult> {
  return together([
    { node: 'a', generator: a },
    { node: 'b', generator: b },
  ]).run(job, { signal })
}

t.test('results of two nodes are one: times merged, counts and rates summed', async (t) => {
  const result = await run(
    good({ failures: { reset: 1 } }),
    good({
      completed: 300,
      response: times(400, 300),
      achievedRps: 300,
      failures: { reset: 2, refused: 1 },
      generator: { cpuUs: 6, eventLoopUtilization: 0.4, gcMs: 2, tool: 'meshmark' },
    }),
  )
  t.match(result, {
    scheduled: 220,
    completed: 400,
    achievedRps: 400,
    failures: { reset: 3, refused: 1 },
    windowMs: 1_000,
    meanInFlight: 1,
    generator: { cpuUs: 11, eventLoopUtilization: 0.4, gcMs: 3, tool: 'meshmark' },
    invalid: [],
  })
  const { count, p50Us, minUs, maxUs } = result.response
  t.same({ count, p50Us, minUs, maxUs }, { count: 400, p50Us: 400, minUs: 200, maxUs: 400 })
  t.equal(result.service.count, 200)
  t.equal(result.lag.count, 200)
})

t.test('the load is divided, and every node has arrivals of its own', (t) => {
  const shares = [0, 1, 2].map((index) => shareOf(job, index, 3))
  t.match(shares[1], {
    profile: { rateRps: 500 / 3, maxInFlight: 34 },
    target: { connections: 2 },
    durationMs: 1_000,
    warmupMs: 100,
    together: true,
  })
  t.same(shareOf(job, 1, 3), shares[1], 'the same seed gives the same shares')
  const schedules = shares.map(({ seed }) => [...poissonSchedule(seed, 100, 500)].join())
  t.equal(new Set(schedules).size, 3, 'no two nodes send at the same times')
  const closed = (concurrency: number): LoadJob => ({
    ...job,
    profile: { kind: 'closed-loop', concurrency },
  })
  t.same(
    [0, 1, 2].map((index) => shareOf(closed(16), index, 3).profile),
    [6, 5, 5].map((concurrency) => ({ kind: 'closed-loop', concurrency })),
  )
  t.throws(() => shareOf(closed(2), 0, 3), {
    code: 'invalid-job',
    message: 'concurrency: got 2 clients for 3 nodes, want one for each',
  })
  t.end()
})

t.test('one node alone has the whole load, as it is', async (t) => {
  let seen: LoadJob | undefined
  const alone = program((_options, one) => {
    seen = one
    return Promise.resolve(found())
  })
  const result = await together([{ node: 'a', generator: alone }]).run(job, {
    signal: new AbortController().signal,
  })
  t.equal(seen, job)
  t.same(result.invalid, [], 'and need not tell when its window begins')
})

t.test('a stranger on one node stops all of them, and is named with its node', async (t) => {
  let isStopped = false
  const foreign = good({ windowMs: 120, completed: 3, invalid: ['foreign answer: status 404'] })
  const result = await run(
    untilStopped(() => (isStopped = true)),
    foreign,
  )
  t.ok(isStopped, 'the other node loads no more')
  t.same(result.invalid, ['on b, foreign answer: status 404'])
  t.equal(result.completed, 3, 'what was counted stays')
})

t.test('a part that is invalid at the end of its window makes the whole invalid', async (t) => {
  const late = program(async ({ began }) => {
    began?.()
    await new Promise(setImmediate)
    return found({ invalid: ['the schedule was not kept'] })
  })
  const result = await run(good({ invalid: ['the rate was not held'] }), late)
  t.same(result.invalid, ['on a, the rate was not held', 'on b, the schedule was not kept'])
  t.equal(result.completed, 200, 'nobody was stopped')
})

t.test('nodes that did not load at the same time give no number', async (t) => {
  let release = (): void => undefined
  const first = new Promise<void>((resolve) => (release = resolve))
  const early = program(({ began }) => {
    began?.()
    release()
    return Promise.resolve(found({ windowMs: 20 }))
  })
  const afterwards = program(async ({ began }) => {
    await first
    const sinceMs = performance.now()
    while (performance.now() - sinceMs < 10) await new Promise(setImmediate)
    began?.()
    return found({ windowMs: 20 })
  })
  const { invalid } = await run(early, afterwards)
  t.match(invalid, [/^the nodes did not load at the same time: their windows have \d+ of 20 ms/])
})

t.test('a node that did not say when its window began gives no number', async (t) => {
  const silent = program(() => Promise.resolve(found()))
  t.same((await run(good(), silent)).invalid, ['it was not told when the window of b began'])
})

t.test('a load program that breaks stops the others and is told with its node', async (t) => {
  let isStopped = false
  const broken = program(() => Promise.reject(new LoadError('program-failed', 'exit code 1')))
  await t.rejects(
    run(
      broken,
      untilStopped(() => (isStopped = true)),
    ),
    { code: 'program-failed', message: 'a: exit code 1' },
  )
  t.ok(isStopped)
})

t.test('an interruption ends all of them', async (t) => {
  const stop = new AbortController()
  const wait = (): LoadGenerator => untilStopped(() => undefined)
  const running = run(wait(), wait(), stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(running, { message: 'enough' })
})
