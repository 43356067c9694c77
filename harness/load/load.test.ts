import { createHash } from 'node:crypto'
import t from 'tap'
import type { LoadJob, LoadTarget } from '../model/load.ts'
import { cannotRunNginx, freePort, startNginx } from '../testing/nginx.ts'
import { parseJob } from './job.ts'
import type { LoadResult } from '../model/load.ts'
import { runLoad } from './run.ts'

const skip = cannotRunNginx()
const page = 'hello from the page\n'
const bodySha256 = createHash('sha256').update(page).digest('hex')
const locations = `location / { return 200 "hello from the page\\n"; } location = /other { return 200 "a stranger\\n"; } location = /busy { return 503; }`

function job(
  port: number,
  path: string,
  part: Partial<LoadJob> = {},
  kind: 'http' | 'http-connect' = 'http',
): LoadJob {
  const base = {
    host: '127.0.0.1',
    port,
    path,
    authority: 'page',
    expect: { status: 200, bodySha256 },
  }
  const target: LoadTarget = kind === 'http' ? { kind, connections: 8, ...base } : { kind, ...base }
  return {
    target,
    profile: { kind: 'open-loop', rateRps: 300, maxInFlight: 100 },
    warmupMs: 100,
    durationMs: 1_000,
    seed: 7,
    ...part,
  }
}

function run(one: LoadJob): Promise<LoadResult> {
  return runLoad(one, { signal: new AbortController().signal })
}

t.test('every answer of a real nginx is counted, in each kind of loop', { skip }, async (t) => {
  await using nginx = await startNginx(locations)
  const closed = { profile: { kind: 'closed-loop', concurrency: 4 } } as const
  const jobs: readonly (readonly [string, LoadJob])[] = [
    ['open loop', job(nginx.port, '/')],
    ['closed loop (autocannon)', job(nginx.port, '/', closed)],
    [
      'new connections, closed loop',
      job(nginx.port, '/', { ...closed, durationMs: 300 }, 'http-connect'),
    ],
    ['new connections, open loop', job(nginx.port, '/', {}, 'http-connect')],
  ]
  for (const [name, one] of jobs) {
    const result = await run(one)
    t.ok(result.completed > 0, `${name}: ${result.completed} answers`)
    t.equal(result.response.count, result.completed, `${name}: each has its time`)
    t.same(result.failures, {}, `${name}: no failure`)
    if (one.profile.kind === 'open-loop')
      t.equal(result.completed, result.scheduled, `${name}: everything that was due was answered`)
  }
})

t.test('equal seeds send equally many requests', { skip }, async (t) => {
  await using nginx = await startNginx(locations)
  const first = await run(job(nginx.port, '/'))
  const second = await run(job(nginx.port, '/'))
  t.equal(first.scheduled, second.scheduled)
})

t.test(
  'a foreign answer stops the load at once and makes the trial invalid',
  { skip },
  async (t) => {
    await using nginx = await startNginx(locations)
    for (const profile of [
      { kind: 'open-loop', rateRps: 300, maxInFlight: 100 },
      { kind: 'closed-loop', concurrency: 4 },
    ] as const) {
      const result = await run(job(nginx.port, '/other', { profile, durationMs: 20_000 }))
      t.match(result.invalid, [/^foreign answer: a body of 11 bytes/], profile.kind)
      t.ok(
        result.windowMs < 10_000 || Number.isNaN(result.windowMs),
        'long before the window is over',
      )
    }
  },
)

t.test('an error of a proxy is a failure, not a stranger', { skip }, async (t) => {
  await using nginx = await startNginx(locations)
  const result = await run(job(nginx.port, '/busy'))
  t.equal(result.failures['status 503'], result.scheduled)
  t.ok(result.invalid.some((why) => why.includes('no request was answered')))
})

t.test('nobody listens: every request fails as refused and the trial is invalid', async (t) => {
  const result = await run(job(await freePort(), '/'))
  t.equal(result.completed, 0)
  t.equal(result.failures['refused'], result.scheduled)
  t.not(result.invalid.length, 0)
})

t.test('a job that makes no sense is refused with field, value and rule', (t) => {
  const good = job(80, '/')
  t.throws(() => parseJob({ ...good, durationMs: 5 }), {
    message: 'durationMs: got 5, want a whole number from 100 to 600000',
  })
  t.throws(
    () => parseJob({ ...good, profile: { kind: 'open-loop', rateRps: 0, maxInFlight: 1 } }),
    { message: 'profile.rateRps: got 0, want a number from 1 to 1000000' },
  )
  t.throws(() => parseJob(null), { message: 'job: got null, want an object' })
  t.end()
})
