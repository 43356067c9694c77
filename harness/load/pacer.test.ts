import t from 'tap'
import { pace, poissonSchedule } from './pacer.ts'

t.test('equal seeds give equal schedules, other seeds others', (t) => {
  t.same(poissonSchedule(5, 1_000, 500), poissonSchedule(5, 1_000, 500))
  t.notSame(poissonSchedule(5, 1_000, 500), poissonSchedule(6, 1_000, 500))
  t.end()
})

t.test('arrivals are those of a Poisson process: rate, and exponential gaps', (t) => {
  const times = poissonSchedule(1, 1_000, 60_000)
  t.ok(
    Math.abs(times.length - 60_000) < 4 * Math.sqrt(60_000),
    `${times.length} arrivals in a minute`,
  )
  const gaps = [...times].map((time, index) => time - (times[index - 1] ?? 0))
  for (const [gapMs, share] of [
    [0.5, Math.exp(-0.5)],
    [1, Math.exp(-1)],
    [3, Math.exp(-3)],
  ] as const) {
    const longer = gaps.filter((gap) => gap > gapMs).length / gaps.length
    t.ok(
      Math.abs(longer - share) < 0.01,
      `${longer} of the gaps are longer than ${gapMs} ms, want ${share}`,
    )
  }
  t.end()
})

t.test('nothing starts before it is due, everything starts, in order', async (t) => {
  const schedule = poissonSchedule(3, 500, 300)
  const startMs = performance.now() + 10
  const seen: number[] = []
  await pace(schedule, {
    startMs,
    start: (intendedMs) => {
      if (performance.now() < intendedMs) t.fail(`${intendedMs} started early`)
      seen.push(intendedMs)
    },
    stopped: () => false,
  })
  t.same(
    seen,
    [...schedule].map((time) => startMs + time),
  )
})
