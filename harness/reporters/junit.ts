import type { Reporter } from '../model/reporter.ts'
import type { BenchQuestion, RunResult, StepResult } from '../model/run-result.ts'
import { invalidReasons } from './invalid-trials.ts'
import { reproduceCommand } from './reproduce.ts'
import { visible } from './text.ts'
import { isAnswered, subjectName } from './verdict.ts'

/** JUnit XML: per run a suite of walkthrough steps, one of benchmark questions and one of the harness itself. */
export const junit: Reporter = {
  id: 'junit',
  extension: '.xml',
  render: (results) => {
    const suites = results.flatMap(suitesOf)
    const cases = suites.flatMap((suite) => suite.cases)
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="meshmark" ${totals(cases)}>`,
      ...suites.map(suiteText),
      '</testsuites>\n',
    ].join('\n')
  },
}

interface Case {
  readonly classname: string
  readonly name: string
  readonly durationMs: number
  readonly outcome:
    | { readonly kind: 'passed'; readonly output?: string }
    | {
        readonly kind: 'failure' | 'error' | 'skipped'
        readonly message: string
        readonly body: string
      }
}

interface Suite {
  readonly name: string
  readonly result: RunResult
  readonly cases: readonly Case[]
}

function suitesOf(result: RunResult): readonly Suite[] {
  const name = (part: string): string => `${subjectName(result)}: ${part}`
  const { walkthrough, bench } = result
  return [
    ...(walkthrough === undefined
      ? []
      : [{ name: name('walkthrough'), result, cases: walkthrough.steps.map(stepCase) }]),
    ...(bench === undefined
      ? []
      : [{ name: name('bench'), result, cases: bench.questions.map(questionCase) }]),
    { name: name('harness'), result, cases: [harnessCase(result)] },
  ]
}

function stepCase(step: StepResult): Case {
  return {
    classname: 'walkthrough',
    name: `${step.id} ${step.title}`,
    durationMs: step.durationMs,
    outcome: stepOutcome(step),
  }
}

function stepOutcome(step: StepResult): Case['outcome'] {
  const message = step.reason ?? `expected ${step.expected ?? '?'}; saw ${step.seen ?? '?'}`
  const body = [
    ...(step.command === undefined ? [] : [`$ ${step.command}`]),
    ...(step.expected === undefined ? [] : [`expected: ${step.expected}`]),
    ...(step.seen === undefined ? [] : [`seen: ${step.seen}`]),
  ].join('\n')
  switch (step.status) {
    case 'passed':
      return { kind: 'passed', output: body }
    case 'failed':
      return { kind: 'failure', message, body }
    case 'inconclusive':
      return { kind: 'error', message, body }
    case 'skipped':
      return { kind: 'skipped', message, body: '' }
  }
}

function questionCase(question: BenchQuestion): Case {
  const reasons = invalidReasons(question)
  const unused = reasons.map((reason) => `not used: ${reason}`)
  return {
    classname: 'bench',
    name: `${question.id} ${question.title}`,
    durationMs: 0,
    outcome: isAnswered(question)
      ? { kind: 'passed', output: [question.answer, ...unused].join('\n') }
      : { kind: 'error', message: question.answer, body: unused.join('\n') },
  }
}

/** Without it, a consumer that reads nothing else would take a run that broke for one that passed. */
function harnessCase({ problems, partial }: RunResult): Case {
  const trouble = [...(partial ? ['the run was interrupted'] : []), ...problems]
  return {
    classname: 'harness',
    name: 'the harness itself had no trouble',
    durationMs: 0,
    outcome:
      trouble.length === 0
        ? { kind: 'passed' }
        : { kind: 'error', message: trouble[0] ?? '', body: trouble.join('\n') },
  }
}

function suiteText({ name, result, cases }: Suite): string {
  const { implementation, environment, cluster, suite } = result
  const properties = {
    'run.id': result.runId,
    'run.conclusion': result.conclusion,
    'implementation.organization': implementation.organization,
    'implementation.project': implementation.project,
    'implementation.version': implementation.version,
    'implementation.url': implementation.url,
    'environment.os': environment.os,
    'environment.kernel': environment.kernel,
    'environment.arch': environment.arch,
    'environment.cpus': String(environment.cpus),
    'cluster.provider': cluster.provider,
    'suite.version': suite.version,
    'suite.seed': String(suite.seed),
    reproduce: reproduceCommand(result),
  }
  return [
    `  <testsuite name=${attribute(name)} ${totals(cases)} timestamp=${attribute(result.startedAt)}>`,
    '    <properties>',
    ...Object.entries(properties).map(
      ([key, value]) => `      <property name=${attribute(key)} value=${attribute(value)}/>`,
    ),
    '    </properties>',
    ...cases.map(caseText),
    '  </testsuite>',
  ].join('\n')
}

function caseText({ classname, name, durationMs, outcome }: Case): string {
  const open = `    <testcase classname=${attribute(classname)} name=${attribute(name)} time="${seconds(durationMs)}"`
  if (outcome.kind === 'passed')
    return outcome.output === undefined || outcome.output === ''
      ? `${open}/>`
      : `${open}>\n      <system-out>${content(outcome.output)}</system-out>\n    </testcase>`
  const type = { failure: ' type="expectation"', error: ' type="harness"', skipped: '' }[
    outcome.kind
  ]
  return `${open}>\n      <${outcome.kind}${type} message=${attribute(outcome.message)}>${content(outcome.body)}</${outcome.kind}>\n    </testcase>`
}

function totals(cases: readonly Case[]): string {
  const having = (kind: Case['outcome']['kind']): number =>
    cases.filter((one) => one.outcome.kind === kind).length
  const timeMs = cases.reduce((sum, one) => sum + one.durationMs, 0)
  return `tests="${cases.length}" failures="${having('failure')}" errors="${having('error')}" skipped="${having('skipped')}" time="${seconds(timeMs)}"`
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

function content(text: string): string {
  return visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function attribute(text: string): string {
  const escaped = content(text)
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\t', '&#9;')
  return `"${escaped}"`
}
