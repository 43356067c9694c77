import t from 'tap'
import type { RunResult } from '../model/run-result.ts'
import { failingRun, invalidRun, partialRun, passingRun } from './fixtures.ts'
import { without } from './fixtures/without.ts'
import { verdictOf } from './verdict.ts'

function told(result: RunResult): readonly [string, number] {
  const { sentence, exitCode } = verdictOf(result)
  return [sentence, exitCode]
}

t.test('a run in one sentence, with the exit code that it had', (t) => {
  const name = 'meshmark reference data plane 0.1.0'
  t.same(told(passingRun()), [
    `${name} passed: 15 of 15 walkthrough steps passed; 7 of 7 benchmark questions answered.`,
    0,
  ])
  t.same(told(failingRun()), [
    'EdgeMesh v1.17.0 failed: 2 of 15 walkthrough steps did not see what was expected.',
    1,
  ])
  t.same(told(invalidRun()), [
    `No verdict on ${name}: 1 of 7 benchmark questions has no valid answer.`,
    2,
  ])
  t.match(
    told(invalidRun('-throughput'))[0],
    /: 3 of 7 benchmark questions have no valid answer\.$/,
  )
  t.same(told(partialRun()), [`No verdict on ${name}: the run was interrupted.`, 130])
  t.end()
})

t.test('a run that could not judge says what stood in the way', (t) => {
  const steps = failingRun().walkthrough?.steps.filter(({ status }) => status !== 'failed') ?? []
  const result: RunResult = {
    ...passingRun(),
    walkthrough: { scenario: 'w', title: 'w', steps },
    problems: ['clean-up was not complete'],
    conclusion: 'inconclusive',
  }
  t.same(told(result), [
    'No verdict on meshmark reference data plane 0.1.0: 1 step could not be judged and the harness itself had 1 problem.',
    3,
  ])
  t.end()
})

t.test('skipped steps are not passed over in silence', (t) => {
  const rest = without(passingRun(), 'walkthrough', 'bench')
  const steps = (failingRun().walkthrough?.steps ?? []).filter(
    ({ status }) => status === 'passed' || status === 'skipped',
  )
  t.same(told({ ...rest, walkthrough: { scenario: 'w', title: 'w', steps } }), [
    'meshmark reference data plane 0.1.0 passed: 11 of 12 walkthrough steps passed, 1 skipped.',
    0,
  ])
  t.end()
})

t.test('a failed run that was interrupted has the exit code of an interruption', (t) => {
  t.match(told({ ...failingRun(), partial: true }), [/^EdgeMesh v1\.17\.0 failed/, 130])
  t.end()
})
