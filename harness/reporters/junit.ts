import type { ExperimentResult } from '../model/experiment.ts'
import type { TestResult } from '../model/conformance.ts'
import type { Reporter } from '../model/reporter.ts'
import type { BenchQuestion, BenchResult, RunResult, StepResult } from '../model/run-result.ts'
import { byProfile, factsOf, outcomeOf, partOf, whyText } from './conformance.ts'
import { unprovenText } from './conformance-sentence.ts'
import { invalidReasons } from './invalid-trials.ts'
import { reproduceCommand } from './reproduce.ts'
import { visible } from './text.ts'
import { isAnswered, subjectName } from './verdict.ts'

/**
 * JUnit XML: per run a suite of walkthrough steps, one per conformance profile, one of benchmark questions and one of
 * the harness itself.
 */
export const junit: Reporter = {
  id: 'junit',
  extension: '.xml',
  render: (results) => {
    const suites = results.flatMap(suitesOf)
    const cases = suites.flatMap((suite) => suite.cases)
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      // why: Jenkins' xUnit plugin refuses a file with `skipped` here
      `<testsuites name="meshmark" ${totals(cases).replace(/ skipped="\d+"/, '')}>`,
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
  /** Verdicts of repetitions differ: Surefire's `flakyFailure` beside the outcome. */
  readonly flaky?: string
  /** Files that CI servers attach, relative to the result. */
  readonly attachments?: readonly string[]
}

interface Suite {
  readonly name: string
  readonly result: RunResult
  readonly cases: readonly Case[]
}

function suitesOf(result: RunResult): readonly Suite[] {
  const name = (part: string): string => `${subjectName(result)}: ${part}`
  const { walkthrough, conformance, bench } = result
  return [
    ...(walkthrough === undefined
      ? []
      : [{ name: name('walkthrough'), result, cases: walkthrough.steps.map(stepCase) }]),
    ...(conformance === undefined
      ? []
      : byProfile(conformance).map(({ profile, tests }) => ({
          name: name(profile.name),
          result,
          cases: tests.map(rowCase),
        }))),
    ...(bench === undefined ? [] : [{ name: name('bench'), result, cases: benchCases(bench) }]),
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

function rowCase(test: TestResult): Case {
  return {
    classname: `${test.profile}.${partOf(test)}`,
    name: `${test.id} ${test.title}`,
    durationMs: test.durationMs,
    outcome: rowOutcome(test),
    ...(test.status === 'flaky' && { flaky: whyText(test) }),
    attachments: test.evidence.map(({ path }) => path),
  }
}

function rowOutcome(test: TestResult): Case['outcome'] {
  const outcome = outcomeOf(test)
  if (outcome === 'passed') return { kind: 'passed' }
  return {
    kind: outcome === 'todo' ? 'skipped' : outcome,
    message: whyText(test),
    body:
      outcome === 'skipped'
        ? ''
        : factsOf(test)
            .map(([name, text]) => `${name}: ${text}`)
            .join('\n'),
  }
}

function benchCases({ questions, skipped = [], experiments = [] }: BenchResult): readonly Case[] {
  return [
    ...questions.map(questionCase),
    ...skipped.map(({ id, title, reason }): Case => ({
      classname: 'bench',
      name: `${id} ${title}`,
      durationMs: 0,
      outcome: { kind: 'skipped', message: reason, body: '' },
    })),
    ...experiments.map(experimentCase),
  ]
}

function experimentCase({ id, title, status, reason = '', answer }: ExperimentResult): Case {
  const outcomes = {
    answered: { kind: 'passed', output: answer },
    skipped: { kind: 'skipped', message: reason, body: '' },
    unanswered: { kind: 'error', message: answer, body: '' },
  } as const
  return { classname: 'bench', name: `${id} ${title}`, durationMs: 0, outcome: outcomes[status] }
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
function harnessCase({ problems, partial, conformance }: RunResult): Case {
  const unproven = conformance === undefined ? '' : unprovenText(conformance)
  const trouble = [
    ...(partial ? ['the run was interrupted'] : []),
    ...(unproven === '' ? [] : [unproven]),
    ...problems,
  ]
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
    'implementation.mode': implementation.mode ?? 'default',
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

function caseText({ classname, name, durationMs, outcome, flaky, attachments }: Case): string {
  const open = `    <testcase classname=${attribute(classname)} name=${attribute(name)} time="${seconds(durationMs)}"`
  const output = [
    ...(outcome.kind === 'passed' && outcome.output !== undefined ? [outcome.output] : []),
    ...(attachments ?? []).map((path) => `[[ATTACHMENT|${path}]]`),
  ].filter((line) => line !== '')
  const children = [
    ...(outcome.kind === 'passed' ? [] : [outcomeText(outcome)]),
    ...(flaky === undefined
      ? []
      : [`<flakyFailure type="expectation" message=${attribute(flaky)}/>`]),
    ...(output.length === 0 ? [] : [`<system-out>${content(output.join('\n'))}</system-out>`]),
  ]
  if (children.length === 0) return `${open}/>`
  return [`${open}>`, ...children.map((child) => `      ${child}`), '    </testcase>'].join('\n')
}

function outcomeText(outcome: Exclude<Case['outcome'], { readonly kind: 'passed' }>): string {
  const { kind, message, body } = outcome
  const type = { failure: ' type="expectation"', error: ' type="harness"', skipped: '' }[kind]
  return `<${kind}${type} message=${attribute(message)}>${content(body)}</${kind}>`
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
