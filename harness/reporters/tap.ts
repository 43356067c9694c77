import type { ExperimentResult } from '../model/experiment.ts'
import type { TestResult } from '../model/conformance.ts'
import type { Reporter } from '../model/reporter.ts'
import type { BenchQuestion, BenchResult, RunResult, StepResult } from '../model/run-result.ts'
import { byProfile, factsOf, outcomeOf, whyText } from './conformance.ts'
import { unprovenText } from './conformance-sentence.ts'
import { invalidReasons } from './invalid-trials.ts'
import { visible } from './text.ts'
import { isAnswered, subjectName } from './verdict.ts'

/**
 * TAP 14: one subtest per run, in it the walkthrough, a subtest per conformance profile, the benchmark's questions and
 * the harness's own problems.
 */
export const tap: Reporter = {
  id: 'tap',
  extension: '.tap',
  render: (results) =>
    lines([
      'TAP version 14',
      `1..${results.length}`,
      ...results.flatMap((result, at) =>
        subtest(at + 1, `${subjectName(result)} (${result.runId})`, points(result)),
      ),
    ]),
}

interface Point {
  readonly ok: boolean
  readonly title: string
  readonly skip?: string
  /** Known to fail, or no failure of the run: consumers show it and go on. */
  readonly todo?: string
  /** Points of its own: it is a subtest. */
  readonly inner?: readonly Point[]
  readonly diagnostic: Readonly<Record<string, string | number | undefined>>
}

function points(result: RunResult): readonly Point[] {
  return [
    ...(result.walkthrough?.steps ?? []).map(stepPoint),
    ...(result.conformance === undefined ? [] : byProfile(result.conformance)).map(
      ({ profile, tests }) =>
        subtestPoint(`${profile.name}: ${profile.summary}`, tests.map(rowPoint)),
    ),
    ...(result.bench?.questions ?? []).map(questionPoint),
    ...(result.bench?.skipped ?? []).map(skippedPoint),
    ...(result.bench?.experiments ?? []).map(experimentPoint),
    harnessPoint(result),
  ]
}

function stepPoint(step: StepResult): Point {
  const { status, command, expected, seen, reason, durationMs } = step
  return {
    ok: status === 'passed' || status === 'skipped',
    title: `${step.id} ${step.title}`,
    ...(status === 'skipped' && { skip: reason ?? 'no reason given' }),
    diagnostic:
      status === 'passed'
        ? { duration_ms: durationMs }
        : { status, reason, command, expected, seen, duration_ms: durationMs },
  }
}

function questionPoint(question: BenchQuestion): Point {
  const reasons = invalidReasons(question)
  return {
    ok: isAnswered(question),
    title: `${question.id} ${question.title}`,
    diagnostic: {
      answer: question.answer,
      load: question.load,
      ...(reasons.length > 0 && { not_used: reasons.join('\n') }),
    },
  }
}

function skippedPoint({ id, title, reason }: NonNullable<BenchResult['skipped']>[number]): Point {
  return { ok: true, title: `${id} ${title}`, skip: reason, diagnostic: {} }
}

function experimentPoint({ id, title, status, reason, answer, load }: ExperimentResult): Point {
  return {
    ok: status !== 'unanswered',
    title: `${id} ${title}`,
    ...(status === 'skipped' && { skip: reason ?? 'no reason given' }),
    diagnostic: { answer, load },
  }
}

function rowPoint(test: TestResult): Point {
  const outcome = outcomeOf(test)
  const facts = outcome === 'passed' || outcome === 'skipped' ? [] : factsOf(test)
  return {
    ok: outcome === 'passed' || outcome === 'skipped',
    title: `${test.id} ${test.title}`,
    ...(outcome === 'skipped' && { skip: whyText(test) }),
    ...(outcome === 'todo' && { todo: whyText(test) }),
    diagnostic: {
      ...Object.fromEntries(facts.map(([name, text]) => [name.replaceAll(' ', '_'), text])),
      duration_ms: test.durationMs,
    },
  }
}

function subtestPoint(title: string, inner: readonly Point[]): Point {
  const ok = inner.every((point) => point.ok || point.todo !== undefined)
  return { ok, title, inner, diagnostic: {} }
}

function harnessPoint({ problems, partial, conformance }: RunResult): Point {
  const unproven = conformance === undefined ? '' : unprovenText(conformance)
  return {
    ok: problems.length === 0 && !partial && unproven === '',
    title: 'the harness itself had no trouble',
    diagnostic: {
      ...(unproven !== '' && { no_verdict: unproven }),
      ...(partial && { partial: 'the run was interrupted' }),
      ...(problems.length > 0 && { problems: problems.join('\n') }),
    },
  }
}

function subtest(number: number, title: string, inner: readonly Point[]): readonly string[] {
  return pointLines(number, subtestPoint(title, inner))
}

function pointLines(number: number, point: Point): readonly string[] {
  const { ok, title, skip, todo, inner, diagnostic } = point
  const facts = Object.entries(diagnostic).flatMap(([name, value]) =>
    value === undefined ? [] : yaml(name, value),
  )
  return [
    ...(inner === undefined ? [] : [`# Subtest: ${described(title)}`, ...innerLines(inner)]),
    `${ok ? 'ok' : 'not ok'} ${number} - ${described(title)}${directive('SKIP', skip)}${directive('TODO', todo)}`,
    ...(facts.length === 0 ? [] : ['  ---', ...facts.map((line) => `  ${line}`), '  ...']),
  ]
}

function innerLines(inner: readonly Point[]): readonly string[] {
  return [`1..${inner.length}`, ...inner.flatMap((point, at) => pointLines(at + 1, point))].map(
    (line) => `    ${line}`,
  )
}

function directive(name: 'SKIP' | 'TODO', reason: string | undefined): string {
  return reason === undefined ? '' : ` # ${name} ${described(reason)}`
}

/** One entry of a YAML map. JSON strings are YAML strings; text of several lines becomes a literal block. */
function yaml(name: string, value: string | number): readonly string[] {
  if (typeof value === 'number') return [`${name}: ${value}`]
  const text = visible(value).trimEnd()
  if (!text.includes('\n')) return [`${name}: ${JSON.stringify(text)}`]
  return [`${name}: |2`, ...text.split('\n').map((line) => `  ${line}`)]
}

/** A description on one line; `#` and backslash are escaped as TAP 14 wants. */
function described(text: string): string {
  return visible(text)
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/[\\#]/g, String.raw`\$&`)
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
