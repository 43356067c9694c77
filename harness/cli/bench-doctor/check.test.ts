import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type Attempt, check, exitCodeOf, settle } from './check.ts'
import { judgeDelay } from './known-delay.ts'
import { judgeBeyond, judgeHalf } from './limits.ts'
import { judgeStall } from './stall.ts'
import { conclusionText } from './tell.ts'
import { recorder } from '../../measure/histogram.ts'

const subject = { id: 'x', section: 'known-delay', title: 'x', wanted: 'y' } as const
const quiet = { waitedRatio: 0.001, stealRatio: 0 }
const busy = { waitedRatio: 0.3, stealRatio: 0 }

function attempt(part: Partial<Attempt>): Attempt {
  return { isOk: false, seen: '', numbers: {}, invalid: [], disturbance: quiet, ...part }
}

t.test(
  'what is off while the machine is busy is no failure, what is off twice in quiet is',
  (t) => {
    const off = attempt({})
    const offInNoise = attempt({ disturbance: busy })
    t.equal(settle(subject, [off]).verdict, 'unclear', 'once may be chance')
    t.equal(settle(subject, [off, off]).verdict, 'failed')
    const noisy = settle(subject, [offInNoise, offInNoise, offInNoise])
    t.equal(noisy.verdict, 'unclear')
    t.same(noisy.reasons, ['our programs waited for a CPU for 30 % of the time'])
    t.equal(settle(subject, [offInNoise, off, off]).verdict, 'failed')
    t.equal(settle(subject, [offInNoise, attempt({ isOk: true })]).verdict, 'ok')
    const tooFast = attempt({ disturbance: busy, isImpossible: true })
    t.equal(settle(subject, [tooFast, tooFast]).verdict, 'failed', 'no neighbour makes it faster')
    const stolen = attempt({ disturbance: { waitedRatio: 0, stealRatio: 0.1 } })
    t.equal(settle(subject, [stolen, stolen, stolen]).verdict, 'unclear', 'steal counts, too')
    t.end()
  },
)

t.test('a trial that our own rules refuse is never good', (t) => {
  const refused = attempt({ isOk: true, invalid: ['the schedule was not kept'] })
  const made = settle(subject, [refused, refused])
  t.equal(made.verdict, 'failed')
  t.same(made.reasons, ['the schedule was not kept'])
  t.end()
})

t.test('where the kernel does not tell who waited, what is off counts', (t) => {
  const unknown = attempt({ disturbance: { waitedRatio: NaN, stealRatio: 0 } })
  t.equal(settle(subject, [unknown, unknown]).verdict, 'failed')
  t.end()
})

t.test('what is unclear is measured again while there is time for it', async (t) => {
  const triesWith = async (leftMs: number): Promise<number> => {
    const measure = async (): Promise<Attempt> => {
      await delay(20)
      return attempt({ disturbance: busy })
    }
    const made = await check(subject, measure, { retries: { leftMs } })
    t.equal(made.verdict, 'unclear')
    return made.tries
  }
  t.equal(await triesWith(60_000), 3)
  t.equal(await triesWith(0), 1)
})

t.test('a failure outweighs what is unclear; what is skipped counts neither way', (t) => {
  const ok = settle(subject, [attempt({ isOk: true })])
  const failed = settle({ ...subject, id: 'bad' }, [attempt({}), attempt({})])
  const unclear = settle(subject, [attempt({ disturbance: busy })])
  const skipped = { ...ok, verdict: 'skipped' } as const
  t.equal(exitCodeOf([ok, skipped]), 0)
  t.equal(exitCodeOf([ok, unclear]), 3)
  t.equal(exitCodeOf([ok, unclear, failed]), 1)
  t.match(conclusionText([ok, failed]), /meshmark itself failed 1: bad\. Its numbers are not/)
  t.match(conclusionText([ok, unclear]), /1 could not be told, because the machine was busy/)
  t.equal(conclusionText([ok, skipped]), '1 of 2 checks are sound, 1 skipped.')
  t.end()
})

t.test('a median may be off by 0.15 ms, of long delays by 3 %', (t) => {
  const isOk = (p50Us: number, holdUs: number): boolean =>
    judgeDelay({ p50Us, holdUs, wayUs: 100 }).isOk
  t.ok(isOk(1_000 + 100 + 150, 1_000))
  t.notOk(isOk(1_000 + 100 + 151, 1_000))
  t.notOk(isOk(1_000 + 100 - 151, 1_000), 'nor too fast')
  t.ok(isOk(100_000 + 100 + 3_000, 100_000))
  t.notOk(isOk(100_000 + 100 + 3_001, 100_000))
  t.notOk(isOk(NaN, 1_000), 'no sample is no proof')
  t.notOk(judgeDelay({ p50Us: NaN, holdUs: 0, wayUs: undefined }).isOk)
  t.end()
})

t.test('a p99 that hides a stall is off', (t) => {
  const isOk = (p99Us: number): boolean =>
    judgeStall({ p99Us, fromSendP99Us: 0, stallMs: 1_000, windowMs: 20_000 }).isOk
  t.ok(isOk(800_000))
  t.ok(isOk(730_000))
  t.notOk(isOk(710_000))
  t.notOk(isOk(890_000))
  t.notOk(isOk(400), 'as a generator tells it that waits for answers')
  const hidden = { p99Us: 400, fromSendP99Us: 400, stallMs: 1_000, windowMs: 20_000 }
  t.equal(judgeStall(hidden).isImpossible, true, 'which no busy machine explains')
  t.equal(judgeStall({ ...hidden, p99Us: 2e6 }).isImpossible, false)
  t.end()
})

const empty = recorder().summary()

function result(lagUs: number, completed: number): Parameters<typeof judgeHalf>[0] {
  const lag = recorder()
  for (let request = 0; request < 1_000; request += 1) lag.record(request < 985 ? 20 : lagUs)
  return {
    scheduled: 1_000,
    completed,
    failures: {},
    windowMs: 1_000,
    achievedRps: completed,
    response: empty,
    service: empty,
    lag: lag.summary(),
    meanInFlight: 0,
    generator: { cpuUs: 0, eventLoopUtilization: 0, gcMs: 0, tool: 'x' },
    invalid: [],
  }
}

t.test('at half of the maximum, rate and schedule have to be kept', (t) => {
  t.ok(judgeHalf(result(900, 1_000)).isOk)
  t.notOk(judgeHalf(result(1_500, 1_000)).isOk, 'lag')
  t.notOk(judgeHalf(result(900, 980)).isOk, 'rate')
  t.end()
})

t.test('a rate out of reach has to be refused', (t) => {
  t.ok(judgeBeyond({ invalid: ['the rate was not held'], achievedRps: 1 }).isOk)
  const accepted = judgeBeyond({ invalid: [], achievedRps: 12_345 })
  t.notOk(accepted.isOk)
  t.equal(accepted.seen, 'accepted, with 12 300/s')
  t.end()
})
