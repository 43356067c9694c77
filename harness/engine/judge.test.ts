import t from 'tap'
import type { ConformanceConclusion, ConformanceResult, TestResult } from '../model/conformance.ts'
import type { BenchResult, Conclusion, WalkthroughResult } from '../model/run-result.ts'
import { conclude, exitCode } from './judge.ts'

type Status = WalkthroughResult['steps'][number]['status']

function story(...statuses: readonly Status[]): WalkthroughResult {
  const steps = statuses.map((status) => ({ id: status, title: status, status, durationMs: 0 }))
  return { scenario: 's', title: 's', steps }
}

function measured(...validity: readonly boolean[]): BenchResult {
  const trials = validity.map((valid) => ({ valid }))
  return { order: [], questions: [{ arms: [{ trials }] }] } as unknown as BenchResult
}

/** A conformance result with MUST rows of the core in these states. */
function conformance(
  conclusion: ConformanceConclusion,
  ...statuses: readonly TestResult['status'][]
): ConformanceResult {
  const tests = statuses.map((status) => ({ status, level: 'MUST' }))
  return { conclusion, tests } as unknown as ConformanceResult
}

const good = { partial: false, problems: [] }

t.test('a conclusion never says more than was seen', (t) => {
  const cases: readonly (readonly [string, Parameters<typeof conclude>[0], Conclusion])[] = [
    ['all passed', { ...good, walkthrough: story('passed', 'skipped') }, 'passed'],
    [
      'one failed, others in doubt',
      {
        partial: true,
        problems: ['p'],
        walkthrough: story('inconclusive', 'failed'),
        bench: measured(false),
      },
      'failed',
    ],
    ['cut short', { ...good, partial: true, walkthrough: story('passed') }, 'inconclusive'],
    ['a step in doubt', { ...good, walkthrough: story('passed', 'inconclusive') }, 'inconclusive'],
    [
      'a benchmark without a valid trial',
      { ...good, walkthrough: story('passed'), bench: measured(false, false) },
      'invalid',
    ],
    ['some trials invalid', { ...good, bench: measured(false, true) }, 'passed'],
    [
      'trouble on the way',
      { ...good, problems: ['evidence lost'], walkthrough: story('passed') },
      'inconclusive',
    ],
    ['nothing was done', good, 'inconclusive'],
    ['conformant', { ...good, conformance: conformance('conformant', 'passed') }, 'passed'],
    [
      'the target does not conform, and the run was cut short',
      { ...good, partial: true, conformance: conformance('nonConformant', 'failed') },
      'failed',
    ],
    [
      'rows could not be judged',
      { ...good, conformance: conformance('inconclusive', 'passed', 'error') },
      'inconclusive',
    ],
    [
      'a core row was skipped',
      { ...good, conformance: conformance('partial', 'passed', 'skipped', 'knownIssue') },
      'inconclusive',
    ],
    [
      'a MUST was violated in one of the repetitions',
      { ...good, conformance: conformance('partial', 'passed', 'flaky') },
      'failed',
    ],
    [
      'known issues and nothing else',
      { ...good, conformance: conformance('partial', 'passed', 'knownIssue') },
      'passed',
    ],
  ]
  for (const [name, given, expected] of cases) t.equal(conclude(given), expected, name)
  t.end()
})

t.test('exit codes are those of the manual', (t) => {
  const codes = (['passed', 'failed', 'invalid', 'inconclusive'] as const).map(exitCode)
  t.same(codes, [0, 1, 2, 3])
  t.end()
})
