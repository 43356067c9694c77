import t from 'tap'
import type { GateRule, MetricSoFar } from '../../model/gate.ts'
import { detectableFactor, smallestDetectable } from './detectable.ts'
import { noiseModels } from './noise.ts'
import { gateRules, lookAt } from './rule.ts'
import { simulate } from './simulate.ts'

const margin = Math.log(1.05)
const once: GateRule = { looks: [{ pairs: 12, share: 1 }], familyAlpha: 0.01, okError: 0.025 }

/** Twelve pairs around a centre, all different. */
function around(centre: number, spread = 0.02): MetricSoFar {
  const worse = Array.from({ length: 12 }, (_, i) => centre + spread * ((i - 5.5) / 5.5))
  return { margin, worse }
}

t.test('worse by more than the margin in every pair is regressed, unchanged is ok', (t) => {
  const [worse, same, better] = lookAt([around(0.1), around(0), around(-0.2)], {
    rule: once,
    look: 0,
  })
  t.match(worse, { verdict: 'regressed', improved: false, pairs: 12, p: 2 ** -12 })
  t.ok(Math.abs((worse?.estimate ?? 0) - 0.1) < 1e-9)
  t.equal(worse?.adjustedP, 3 * 2 ** -12, 'one of three')
  t.match(same, { verdict: 'ok', improved: false })
  t.match(better, { verdict: 'ok', improved: true })
  t.end()
})

t.test('significant but smaller than the margin is no regression', (t) => {
  t.match(lookAt([around(0.03, 0.01)], { rule: once, look: 0 }), [{ verdict: 'ok', p: 2 ** -12 }])
  t.end()
})

t.test('large but not sure is undecided, never ok', (t) => {
  t.match(lookAt([around(0.06, 0.4)], { rule: once, look: 0 }), [{ verdict: 'undecided' }])
  t.end()
})

t.test('the more metrics are gated, the surer each has to be', (t) => {
  // all twelve pairs are worse: p is 1/4096, and 0.01 allows for 40 metrics
  const judged = (metrics: number): string | undefined =>
    lookAt([around(0.1), ...Array.from({ length: metrics - 1 }, () => around(0))], {
      rule: once,
      look: 0,
    })[0]?.verdict
  t.equal(judged(40), 'regressed')
  t.equal(judged(41), 'undecided')
  t.end()
})

t.test('no pair, or too few for the wanted certainty, proves nothing', (t) => {
  const few = { margin, worse: [0.001, 0.002, 0.003] }
  const [none, three] = lookAt([{ margin, worse: [] }, few], { rule: once, look: 0 })
  t.match(none, { verdict: 'undecided', pairs: 0, p: 1 })
  t.equal(none?.interval, undefined)
  t.match(three, { verdict: 'undecided', pairs: 3, detectable: Infinity })
  t.throws(() => lookAt([few], { rule: once, look: 1 }), { message: 'look: got 1, want 0 to 0' })
  t.end()
})

t.test('what a look decided stays decided, whatever comes after', (t) => {
  const rule = gateRules.release
  const earlier = lookAt([around(0.2), around(0)], { rule, look: 0 })
  t.same(
    earlier.map(({ verdict }) => verdict),
    ['regressed', 'ok'],
  )
  t.same(lookAt([around(0), around(0.2)], { rule, look: 1, earlier }), earlier)
  t.end()
})

t.test('the shares of every rule add up to its chances, and no look is a waste', (t) => {
  for (const [name, { looks, familyAlpha }] of Object.entries(gateRules)) {
    const sum = looks.reduce((total, { share }) => total + share, 0)
    t.ok(Math.abs(sum - 1) < 1e-12, name)
    const metrics = name === 'pr' ? 4 : 8
    for (const { pairs, share } of looks)
      t.ok(2 ** -pairs <= (familyAlpha * share) / metrics, `${name}, ${pairs} pairs`)
  }
  t.end()
})

t.test('the detectable change agrees with measurement.md 2.5, and shrinks with pairs', (t) => {
  // published as about 1.5 for 12 pairs, 0.95 for 20, 0.8 for 24, from noise with heavier tails than a normal
  for (const [n, published] of [
    [12, 1.5],
    [20, 0.95],
    [24, 0.8],
  ] as const) {
    const found = detectableFactor(n, 0.00125)
    t.ok(Math.abs(found / published - 1) < 0.15, `${n} pairs: ${found}`)
  }
  t.equal(detectableFactor(9, 0.00125), Infinity, '2^-9 is above alpha')
  t.equal(smallestDetectable([0.1], 0.01), undefined)
  const pairs = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 0.05 : -0.05))
  const sd = 0.05 * Math.sqrt(12 / 11)
  t.ok(
    Math.abs((smallestDetectable(pairs, 0.00125) ?? 0) - detectableFactor(12, 0.00125) * sd) <
      1e-12,
  )
  t.end()
})

t.test('sessions that never ran: no model makes A/A regress, +10 % is found, and never ok', (t) => {
  for (const noise of noiseModels) {
    const plan = { rule: gateRules.release, noise, seed: 3, metrics: 8, margin: 0.05 }
    const nothing = simulate({ ...plan, sessions: 150, change: 0 })
    // why: 0.5 % of 150 is less than one; three would be a chance of 0.04 %
    t.ok(nothing.falseAlarms * 150 <= 2, `${noise.id}: ${nothing.falseAlarms * 150} false alarms`)
    const tenth = simulate({ ...plan, sessions: 100, change: 0.1 })
    t.ok(tenth.regressed >= 0.85, `${noise.id}: found ${tenth.regressed}`)
    t.equal(tenth.ok, 0, noise.id)
  }
  t.end()
})

t.test('a rule without multiple looks in mind is caught by the simulation', (t) => {
  const [noise] = noiseModels
  if (noise === undefined) throw new Error('no noise model')
  const careless: GateRule = {
    looks: Array.from({ length: 8 }, (_, i) => ({ pairs: 8 + 2 * i, share: 1 })),
    familyAlpha: 0.05,
    okError: 0.025,
  }
  const found = simulate({
    rule: careless,
    noise,
    seed: 3,
    metrics: 8,
    margin: 0.0001,
    sessions: 100,
    change: 0,
  })
  t.ok(found.falseAlarms > 0.05, `${found.falseAlarms}`)
  t.end()
})

t.test('equal seeds, equal sessions', (t) => {
  const [noise] = noiseModels
  if (noise === undefined) throw new Error('no noise model')
  const plan = { rule: gateRules.pr, noise, metrics: 2, margin: 0.05, sessions: 20, change: 0.05 }
  t.same(simulate({ ...plan, seed: 1 }), simulate({ ...plan, seed: 1 }))
  t.notSame(simulate({ ...plan, seed: 1 }), simulate({ ...plan, seed: 2 }))
  t.throws(() => simulate({ ...plan, seed: 1, metrics: 0 }), {
    message: 'metrics: got 0, want 1 or more',
  })
  t.end()
})
