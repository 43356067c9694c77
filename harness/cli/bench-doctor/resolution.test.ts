import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { LookVerdict } from '../../model/gate.ts'
import { calibration, pooled, remember } from './calibration.ts'
import { judgeControl } from './positive-control.ts'
import {
  emptySample,
  judgeSame,
  resolutionsOf,
  resolutionText,
  smallestFound,
} from './resolution.ts'

/** Pairs that scatter by so much around nothing. */
function scattered(by: number): readonly number[] {
  return [1, -1, 0.5, -0.5, 1.2, -1.2, 0.2, -0.2].map((part) => part * by)
}

t.test('the same thing twice is off only when it surely differs by more than 5 %', (t) => {
  t.ok(judgeSame(scattered(0.02)).isOk)
  t.ok(judgeSame(scattered(0.5)).isOk, 'noise is no difference')
  t.notOk(judgeSame(scattered(0.01).map((value) => value + 0.08)).isOk)
  t.ok(judgeSame(scattered(0.01).map((value) => value + 0.03)).isOk, 'below the margin')
  t.notOk(judgeSame([0, 0, 0]).isOk, 'three pairs say nothing')
  t.end()
})

t.test('more pairs find smaller changes, more scatter larger ones only', (t) => {
  t.ok(smallestFound(0.05, 'release') < smallestFound(0.05, 'pr'))
  t.ok(smallestFound(0.05, 'pr') < smallestFound(0.1, 'pr'))
  t.ok(Math.abs(smallestFound(0.07, 'release') - 0.06) < 0.015, 'measurement.md 2.5: 0.8 x s_d')
  t.end()
})

t.test('the verdict in words names what cannot be told apart', (t) => {
  const sample = { ...emptySample(), 'http-p50': scattered(0.2), 'http-cpu': scattered(0.01) }
  const text = resolutionText(resolutionsOf(sample), 'Today').join('\n')
  t.match(text, /^Today, changes smaller than these/)
  t.match(text, /can decide in 16 pairs: CPU per HTTP request\./)
  t.match(text, /mostly say "undecided", .* in: HTTP latency \(p50\)\./)
  t.notMatch(text, /DNS/, 'what was not measured is not told')
  t.match(resolutionText([], 'Today').join('\n'), /nothing can be told apart here/)
  t.end()
})

t.test('calibration is kept from run to run; what cannot be read is forgotten', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'calibration-test-'))
  const before = process.env['XDG_CACHE_HOME']
  process.env['XDG_CACHE_HOME'] = folder
  t.teardown(() => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME']
    else process.env['XDG_CACHE_HOME'] = before
    rmSync(folder, { recursive: true })
  })
  const none = await calibration()
  t.same(none.sessions, [])
  const session = { at: '2026-11-25T00:00:00Z', sample: { ...emptySample(), 'dns-p50': [0.1] } }
  await remember(none, session)
  const one = await calibration()
  t.same(one.sessions, [session])
  await remember(one, session)
  t.same(pooled((await calibration()).sessions)['dns-p50'], [0.1, 0.1])
  mkdirSync(dirname(none.path), { recursive: true })
  writeFileSync(none.path, '{"schema":')
  t.same((await calibration()).sessions, [])
})

t.test(
  'the positive control: regressed is right, ok is a failure, undecided says what it could',
  (t) => {
    const verdict: LookVerdict = {
      verdict: 'regressed',
      improved: false,
      pairs: 10,
      estimate: Math.log(1.1),
      p: 0.001,
      adjustedP: 0.001,
      detectable: Math.log(1.2),
    }
    const injected = { share: 0.1, addedUs: 30, refused: [] }
    t.equal(judgeControl(verdict, injected).verdict, 'ok')
    t.equal(judgeControl({ ...verdict, verdict: 'ok' }, injected).verdict, 'failed')
    const undecided = judgeControl({ ...verdict, verdict: 'undecided' }, injected)
    t.equal(undecided.verdict, 'unclear')
    t.match(undecided.reasons.join(), /a change of 20 %/)
    const refused = judgeControl(undefined, { ...injected, refused: ['the rate was not held: 5'] })
    t.equal(refused.verdict, 'unclear')
    t.same(refused.reasons, ['the rate was not held'])
    t.end()
  },
)
