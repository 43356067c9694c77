import type { BenchQuestion, RunResult, StepResult } from '../../model/run-result.ts'
import { absent, effectText, instant, quantity } from '../format.ts'
import { subjectName } from '../verdict.ts'
import { section, type Frame } from './frame.ts'
import { glyph } from './glyph.ts'
import { markup, type Markup, type Part } from './markup.ts'
import { table, textColumn, type Column } from './table.ts'

const frame: Frame = { prefix: '', level: 2 }

/** Runs beside each other: answers, steps and what differs around them. Nothing is concluded from it. */
export function sideBySide(results: readonly RunResult[]): Markup {
  return markup`${answers(results)}${steps(results)}${differences(results)}`
}

/** `A: reference 0.1.0`. */
export function runName(result: RunResult, at: number): string {
  return `${String.fromCodePoint(65 + (at % 26))}${at < 26 ? '' : String(Math.floor(at / 26))}: ${subjectName(result)}`
}

function runColumns(results: readonly RunResult[], first: string): readonly Column[] {
  return [textColumn(first), ...results.map((result, at) => textColumn(runName(result, at)))]
}

function answers(results: readonly RunResult[]): Markup | false {
  const ids = unique(results.flatMap((result) => result.bench?.questions ?? []))
  if (ids.length === 0) return false
  return section(
    frame,
    'answers',
    'Answers side by side',
    markup`<p class="lead">The target’s value and its effect against the direct way of the same run. Runs were not measured in pairs with each other: a difference between two columns may be the machine’s.</p>`,
    table({
      id: 'answers-table',
      caption: 'Benchmark answers by run',
      columns: runColumns(results, 'question'),
      rows: ids.map(({ id, title }) => [
        markup`<code>${id}</code><br>${title}`,
        ...results.map((result) =>
          answerCell(result.bench?.questions.find((question) => question.id === id)),
        ),
      ]),
    }),
  )
}

function answerCell(question: BenchQuestion | undefined): Part {
  const value = question?.arms.find((arm) => arm.id === 'target')?.value
  if (question === undefined || value === undefined) return absent
  const { effect } = question
  return [
    markup`<strong>${quantity(value, question.unit)}</strong>`,
    effect !== undefined && markup`<br>${effectText(effect.estimate, effect)}`,
  ]
}

function steps(results: readonly RunResult[]): Markup | false {
  const ids = unique(results.flatMap((result) => result.walkthrough?.steps ?? []))
  if (ids.length === 0) return false
  return section(
    frame,
    'steps',
    'Walkthroughs side by side',
    table({
      id: 'steps-table',
      caption: 'Walkthrough steps by run',
      columns: runColumns(results, 'step'),
      rows: ids.map(({ id, title }) => [
        title,
        ...results.map((result) =>
          stepCell(result.walkthrough?.steps.find((step) => step.id === id)),
        ),
      ]),
    }),
  )
}

function stepCell(step: StepResult | undefined): Part {
  return step === undefined
    ? absent
    : markup`<span class="s-${step.status} mark">${glyph(step.status)} ${step.status}</span>`
}

/** What differs around the runs: two results from different machines cannot be held against each other. */
function differences(results: readonly RunResult[]): Markup {
  const rows = [...new Set(results.flatMap((result) => Object.keys(surroundings(result))))]
    .map((name) => [name, ...results.map((result) => surroundings(result)[name] ?? absent)])
    .filter(([, ...values]) => new Set(values).size > 1)
  return section(
    frame,
    'differences',
    'What differs between the runs',
    rows.length === 0
      ? markup`<p>Nothing: machine, programs and cluster are the same.</p>`
      : table({
          id: 'differences-table',
          caption: 'Only what is not the same everywhere',
          columns: runColumns(results, 'what'),
          rows,
        }),
  )
}

function surroundings(result: RunResult): Readonly<Record<string, string>> {
  const { environment, cluster, suite } = result
  return {
    Started: instant(result.startedAt),
    'Operating system': environment.os,
    Kernel: environment.kernel,
    Processor: environment.cpuModel,
    CPUs: String(environment.cpus),
    'Memory, MiB': String(environment.memoryMib),
    'CPU governor': environment.governor ?? absent,
    Virtualization: environment.virtualization ?? absent,
    Provider: cluster.provider,
    Nodes: cluster.nodes.map((node) => `${node.name} in ${node.lan}`).join(', '),
    Suite: `${suite.version} ${suite.commit?.slice(0, 12) ?? ''}`,
    Seed: String(suite.seed),
    ...Object.fromEntries(
      Object.entries(environment.tools).map(([name, version]) => [`Program ${name}`, version]),
    ),
  }
}

function unique<T extends { readonly id: string }>(all: readonly T[]): readonly T[] {
  return [...new Map(all.map((one) => [one.id, one] as const)).values()]
}
