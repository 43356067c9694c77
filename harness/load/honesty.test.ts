import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { LoadProfile, LoadResult } from '../model/load.ts'
import { quantileUs } from '../measure/histogram.ts'
import { runLoad } from './run.ts'

/* Is what the generators report what happened? Servers of known delays, in a process of their own. */

const page = 'held\n'

interface Held extends AsyncDisposable {
  readonly port: number
  readonly stall: (forMs: number) => void
  /** Median of the times for which answers were really held. */
  readonly medianHoldUs: () => Promise<number>
}

async function held(holdMs: number): Promise<Held> {
  const main = join(import.meta.dirname, 'known/main.js')
  const behaviour = { kind: 'http', page, holdMs, workUs: 0 }
  const child = spawn(process.execPath, [main, JSON.stringify(behaviour)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Readonly<Record<string, unknown>>> =>
    JSON.parse(String((await lines.next()).value)) as Record<string, unknown>
  return {
    port: Number((await next())['port']),
    stall: (forMs) => child.stdin.write(`{"stall":${forMs}}\n`),
    medianHoldUs: async () => {
      child.stdin.write('{"holds":true}\n')
      const holds = ((await next())['holdsMs'] as number[]).sort((a, b) => a - b)
      return (holds[holds.length >> 1] ?? 0) * 1000
    },
    [Symbol.asyncDispose]: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.stdin.end()
      await gone
    },
  }
}

interface Run {
  readonly port: number
  readonly profile: LoadProfile
  readonly durationMs: number
}

function run({ port, profile, durationMs }: Run): Promise<LoadResult> {
  const expect = { status: 200, bodySha256: createHash('sha256').update(page).digest('hex') }
  return runLoad(
    {
      target: {
        kind: 'http',
        host: '127.0.0.1',
        port,
        path: '/',
        authority: 'held',
        connections: 16,
        expect,
      },
      profile,
      warmupMs: 300,
      durationMs,
      seed: 11,
    },
    { signal: new AbortController().signal },
  )
}

const openLoop: LoadProfile = { kind: 'open-loop', rateRps: 300, maxInFlight: 1_000 }
const closedLoop: LoadProfile = { kind: 'closed-loop', concurrency: 8 }

t.test('a server that holds its answers is reported as slow as it says it was', async (t) => {
  for (const holdMs of [5, 20])
    for (const profile of [openLoop, closedLoop]) {
      await using server = await held(holdMs)
      const result = await run({ port: server.port, profile, durationMs: 1_500 })
      const holdUs = await server.medianHoldUs()
      const measuredUs = quantileUs(result.response, 50)
      const name = `held ${holdMs} ms, ${profile.kind}: ${Math.round(holdUs)} µs held, ${measuredUs} µs measured`
      t.ok(measuredUs > holdUs * 0.995, `${name}: not less`)
      t.ok(measuredUs < holdUs * 1.5 + 2_000, `${name}: and not much more`)
    }
})

t.test('a stall of a tenth of the window is felt by a tenth of the requests', async (t) => {
  await using server = await held(0)
  const stallMs = 300
  setTimeout(server.stall, 1_300, stallMs)
  const result = await run({ port: server.port, profile: openLoop, durationMs: 3_000 })
  // Those due in the stall waited for its rest: evenly from 0 to 300 ms, so 5 % waited longer than half of it.
  const p95Us = quantileUs(result.response, 95)
  t.ok(p95Us > 0.25 * stallMs * 1000, `p95 from the intended time: ${p95Us} µs`)
  t.ok(p95Us < 0.9 * stallMs * 1000, `p95 from the intended time: ${p95Us} µs`)
  t.ok(quantileUs(result.response, 99) > 0.6 * stallMs * 1000, 'p99 is most of the stall')
  const servedUs = quantileUs(result.service, 90)
  t.ok(servedUs < p95Us / 2, `from the actual send, only ${servedUs} µs: most had not been sent`)
})

t.test('a target that cannot keep the rate makes the trial invalid', async (t) => {
  // 16 connections x 1 answer per 100 ms = 160 per second, of 300 wanted.
  await using server = await held(100)
  const result = await run({ port: server.port, profile: openLoop, durationMs: 1_500 })
  t.ok(
    result.invalid.some((why) => why.startsWith('the rate was not held')),
    result.invalid.join('; '),
  )
})

t.test('more requests in flight than allowed end the trial', async (t) => {
  await using server = await held(500)
  const profile: LoadProfile = { kind: 'open-loop', rateRps: 300, maxInFlight: 20 }
  const result = await run({ port: server.port, profile, durationMs: 20_000 })
  t.same(result.invalid, ['more than 20 requests in flight'])
  t.ok(result.windowMs < 10_000, 'at once')
})
