import t from 'tap'
import type { LoadJob } from '../model/load.ts'
import { type Found, reasonsAgainst } from './validity.ts'

const job: LoadJob = {
  seed: 1,
  warmupMs: 0,
  durationMs: 1_000,
  profile: { kind: 'open-loop', rateRps: 500, maxInFlight: 500 },
  target: {
    kind: 'dns',
    host: '127.0.0.1',
    port: 53,
    questions: [{ name: 'a.example', type: 'A' }],
    expect: { rcode: 'NOERROR', minAnswers: 1 },
  },
}

const none = { count: 0, minUs: 0, meanUs: 0, maxUs: 0, encoded: '' }

function found(scheduled: number, late: number): Found {
  return {
    scheduled,
    completed: scheduled,
    failures: {},
    windowMs: 1_000,
    achievedRps: scheduled,
    response: none,
    service: none,
    // why: one late request makes the longest lag; it must not stand for a share of them
    lag: { ...none, count: scheduled, maxUs: late > 0 ? 60_000 : 10 },
    generator: { cpuUs: 0, eventLoopUtilization: 0.1, gcMs: 0, tool: 'test' },
    inFlight: { mean: 0.1, standardError: 0 },
    meanStartedUs: 200,
    answersInside: scheduled,
    backlog: 0,
    late,
  }
}

for (const { scheduled, late, refused } of [
  { scheduled: 491, late: 1, refused: false },
  { scheduled: 491, late: 49, refused: false },
  { scheduled: 491, late: 50, refused: true },
  { scheduled: 510, late: 51, refused: false },
  { scheduled: 510, late: 52, refused: true },
  { scheduled: 5_000, late: 50, refused: false },
  { scheduled: 5_000, late: 51, refused: true },
])
  t.test(`${late} late of ${scheduled} requests are ${refused ? '' : 'not '}refused`, (t) => {
    const reasons = reasonsAgainst(job, found(scheduled, late))
    t.equal(
      reasons.some((reason) => reason.startsWith('the schedule was not kept')),
      refused,
      reasons.join('; '),
    )
    t.end()
  })
