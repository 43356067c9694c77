/** `meshmark bench replay`, as a user calls it: corpora that are right, wrong, cut, and real results. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { gateRules } from '../measure/gate/rule.ts'
import { randomStream } from '../measure/random.ts'
import type { CorpusComparison, CorpusSession } from '../model/gate-corpus.ts'
import { comparedRun } from '../reporters/fixtures.ts'
import { corpusSession, corpusText } from '../results/gate-corpus.ts'
import { packageDirectory } from './package.ts'

const main = join(import.meta.dirname, 'main.js')

// why: many processes, and the machine may be busy
t.setTimeout(120_000)

const folder = mkdtempSync(join(tmpdir(), 'meshmark-replay-'))
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

function replay(...args: readonly string[]): {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
} {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, 'bench', 'replay', ...args],
    { encoding: 'utf8' },
  )
  return { code: status, stdout: stdout.replaceAll('\u00A0', ' '), stderr }
}

function kept(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** Sixteen pairs whose second arm takes so much longer, with a noise of 2 %. */
function compared(
  factor: number,
  more: Partial<CorpusComparison> = {},
): Pick<CorpusSession, 'comparisons'> {
  const random = randomStream(7)
  const noisy = (us: number): number => us * (1 + 0.04 * (random() - 0.5))
  return {
    comparisons: [
      {
        id: 'l7-latency/value',
        family: 'gated: candidate over baseline',
        better: 'lower',
        margin: 0.05,
        pairs: Array.from({ length: 16 }, (_, pair) => [pair, noisy(200), noisy(200 * factor)]),
        ...more,
      },
    ],
  }
}

function corpus(name: string, ...sessions: readonly Pick<CorpusSession, 'comparisons'>[]): string {
  return kept(
    name,
    corpusText(
      sessions.map((session, index) => ({
        runId: `${name}-${index}`,
        startedAt: '2026-11-25T16:00:00.000Z',
        machine: { id: '0123456789ab', parts: { processor: 'one' } },
        loadAverage: [0.1, 0.2, 0.3],
        suite: { version: '0.1.0', seed: index },
        rule: gateRules.pr,
        ...session,
      })),
    ),
  )
}

t.test('what did not differ is ok, what got worse is found, and the gate was right', (t) => {
  const file = corpus(
    'right',
    compared(1, { injected: 0, said: 'ok' }),
    compared(1.1, { injected: 0.1, said: 'regressed' }),
    compared(1.3),
  )
  const { code, stdout } = replay(file)
  t.equal(code, 0, stdout)
  t.match(stdout, '3 sessions on 1 kind of machine, 2026-11-25')
  t.match(stdout, 'nothing differs: 1 verdicts: 0 regressed, 1 ok')
  t.match(stdout, 'l7-latency/value made 10 % worse: 1 verdicts: 1 regressed, 0 ok')
  t.match(stdout, '1 comparisons of which it is not known what differs')
  t.match(stdout, 'no wrong verdict')
  t.end()
})

t.test('a gate that errs ends with 1, and every wrong verdict is named', (t) => {
  const file = corpus(
    'wrong',
    compared(1.2, { injected: 0 }),
    compared(1, { injected: 0.1 }),
    compared(1, { injected: 0, said: 'improved' }),
  )
  const { code, stdout } = replay(file)
  t.equal(code, 1)
  t.match(
    stdout,
    'wrong: wrong-0 l7-latency/value (gated: candidate over baseline): called regressed, nothing differs',
  )
  t.match(stdout, /wrong: wrong-1 .*: called ok, it was made 10 % worse/)
  t.match(stdout, /wrong: wrong-2 .*: the session said improved, its pairs say ok/)
  t.equal((JSON.parse(replay(file, '--json').stdout) as { faults: unknown[] }).faults.length, 3)
  t.end()
})

t.test('few pairs decide nothing', (t) => {
  const { comparisons } = compared(1.5, { injected: 0.5 })
  const [only] = comparisons
  if (only === undefined) throw new Error('no comparison was made')
  const { code, stdout } = replay(
    corpus('few', { comparisons: [{ ...only, pairs: only.pairs.slice(0, 5) }] }),
  )
  t.equal(code, 0)
  t.match(stdout, '1 verdicts: 0 regressed, 0 ok, 1 invalid')
  t.end()
})

t.test('a gated metric that nobody could measure stays in the family', (t) => {
  const run = comparedRun()
  const { gate } = run
  const [question] = gate?.questions ?? []
  if (gate === undefined || question === undefined) throw new Error('the fixture has no session')
  const broken = { ...question, arms: [] }
  const { comparisons } = corpusSession({ ...run, gate: { ...gate, questions: [broken] } })
  t.match(comparisons, [{ id: 'l7-latency/value', pairs: [], family: /^gated/ }, { pairs: [] }])
  t.equal(comparisons.length, 2, 'and the others are left out')
  t.end()
})

t.test('a result of bench --vs is judged as its session did', (t) => {
  const { code, stdout } = replay(kept('result.json', JSON.stringify(comparedRun())))
  t.equal(code, 0, stdout)
  t.match(stdout, '1 sessions on 1 kind of machine')
  t.match(stdout, '2 comparisons of which it is not known what differs')
  t.end()
})

t.test('of a candidate that was slowed, what was not named did not change', (t) => {
  const { comparisons } = corpusSession(comparedRun(), { 'l7-latency/value': 0.1 })
  t.match(comparisons, [
    { id: 'l7-latency/value', injected: 0.1, said: 'regressed' },
    { id: 'l7-latency/cpu' },
  ])
  t.notOk('injected' in (comparisons[1] ?? {}), 'of the same question, and nobody knows')
  t.throws(() => corpusSession(comparedRun(), { 'l7-latancy/value': 0.1 }), {
    message: /got l7-latancy\/value/,
    hint: /l7-latency\/value, l7-latency\/cpu/,
  })
  t.end()
})

t.test('files that are cut, damaged or of something else are refused, with the cure', (t) => {
  const file = corpus('whole', compared(1, { injected: 0 }))
  const text = corpusText([])
  const cut = replay(kept('cut.json', text.slice(0, -4)))
  t.equal(cut.code, 2)
  t.match(cut.stderr, /cut\.json stops after \d+ characters: it was cut short/)
  const damaged = replay(
    kept('damaged.json', corpusText([]).replace('"sessions":[', '"sessions":[{"runId":3}')),
  )
  t.equal(damaged.code, 2)
  t.match(damaged.stderr, /sessions\[0\]\.runId: got 3/)
  t.match(replay(kept('empty.json', text)).stderr, 'got no session')
  t.match(replay(join(folder, 'none.json')).stderr, 'cannot be read')
  t.equal(replay(file).code, 0)
  t.end()
})

const published = join(packageDirectory, 'reports', 'corpus')

t.test(
  'the sessions that were recorded hold no wrong verdict',
  { skip: existsSync(published) ? false : 'no corpus is published in this package' },
  (t) => {
    for (const name of readdirSync(published).filter((one) => one.endsWith('.json'))) {
      const { code, stdout } = replay(join(published, name))
      t.equal(code, 0, stdout)
    }
    t.end()
  },
)
