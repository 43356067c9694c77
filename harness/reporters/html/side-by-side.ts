import type { ExperimentResult } from '../../model/experiment.ts'
import type { BenchQuestion, PairedEffect, RunResult, StepResult } from '../../model/run-result.ts'
import { metricText } from '../experiment.ts'
import { absent, effectText, instant, intervalText, percent, quantity } from '../format.ts'
import { counted } from '../text.ts'
import { isAnswered, subjectName } from '../verdict.ts'
import { section, slug, type Frame } from './frame.ts'
import { bars } from './charts/bars.ts'
import { glyph } from './glyph.ts'
import { markup, type Markup, type Part } from './markup.ts'
import { table, textColumn, type Column } from './table.ts'

const frame: Frame = { prefix: '', level: 2 }

/** Runs beside each other: answers, steps and what differs around them. Nothing is concluded from it. */
export function sideBySide(results: readonly RunResult[]): Markup {
  return markup`${answers(results)}${experiments(results)}${steps(results)}${differences(results)}`
}

/** `A: reference 0.1.0`. */
export function runName(result: RunResult, at: number): string {
  return `${letter(at)}: ${subjectName(result)}`
}

function runColumns(results: readonly RunResult[], first: string): readonly Column[] {
  return [
    textColumn(first),
    ...results.map((result, at) => {
      const { mode } = result.implementation
      return textColumn(`${runName(result, at)}${mode === undefined ? '' : ` (${mode})`}`)
    }),
  ]
}

/** `A`. */
function letter(at: number): string {
  return `${String.fromCodePoint(65 + (at % 26))}${at < 26 ? '' : String(Math.floor(at / 26))}`
}

function answers(results: readonly RunResult[]): Markup | false {
  const ids = unique(results.flatMap((result) => result.bench?.questions ?? []))
  if (ids.length === 0) return false
  return section(
    frame,
    'answers',
    'Answers side by side',
    markup`<p class="lead">The direct way, from pod to pod without the data plane, is the base line of each run: in bold the target’s value, below it its effect against the direct way of the same run. Runs were not measured in pairs with each other: a difference between two columns may be the machine’s.</p>
${
  ids.some(({ id }) => id.startsWith('l7-')) &&
  markup`<p class="lead">The L7 way is the port named http-0. A target with an HTTP proxy reads and checks requests there; one without passes bytes on, as on every other port, which is less work.</p>`
}`,
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
    markup`<div class="charts">${ids.map((asked) => picture(asked, results))}</div>`,
  )
}

function answerCell(question: BenchQuestion | undefined): Part {
  if (question === undefined) return absent
  const value = armValue(question, 'target')
  if (value === undefined || !isAnswered(question)) return question.answer
  const { effect } = question
  const direct = armValue(question, 'direct')
  return [
    markup`<strong>${quantity(value, question.unit)}</strong>`,
    effect !== undefined && markup`<br>${effectText(effect.estimate, effect)}`,
    effect !== undefined && markup` <small>(${certainty(effect)})</small>`,
    direct !== undefined && markup`<br><small>direct ${quantity(direct, question.unit)}</small>`,
  ]
}

/** Medians are over all valid trials, an effect over pairs of them: with few the two may point different ways. */
function certainty(effect: PairedEffect): string {
  return effect.interval === undefined
    ? `from ${counted(effect.pairs.length, 'pair')}`
    : `${intervalText(effect)}, ${percent(effect.confidence)}`
}

function armValue({ arms }: BenchQuestion, id: 'direct' | 'target'): number | undefined {
  return arms.find((arm) => arm.id === id)?.value
}

/** Every run's target beside the direct way of that run, on one axis. */
function picture({ id, title, unit, better }: BenchQuestion, results: readonly RunResult[]) {
  const shown = results.flatMap((result, at) => {
    const question = result.bench?.questions.find((one) => one.id === id)
    if (question === undefined || !isAnswered(question)) return []
    const direct = armValue(question, 'direct')
    const base = { dots: [] } as const
    return [
      ...(direct === undefined
        ? []
        : [{ ...base, label: `${letter(at)}: direct`, arm: 'direct' as const, value: direct }]),
      {
        ...base,
        label: runName(result, at),
        arm: 'target' as const,
        value: armValue(question, 'target'),
      },
    ]
  })
  if (shown.length === 0) return false
  return markup`<figure><figcaption>${title}</figcaption>
${bars({
  id: `answers-${slug(id)}`,
  title: `${id} by run`,
  unit,
  better: better === 'lower' ? 'shorter is better' : 'longer is better',
  bars: shown,
})}</figure>
`
}

/** Every metric of every experiment by run. */
function experiments(results: readonly RunResult[]): Markup | false {
  const all = unique(results.flatMap((result) => result.bench?.experiments ?? []))
  if (all.length === 0) return false
  return section(
    frame,
    'experiments',
    'Experiments side by side',
    table({
      id: 'experiments-table',
      caption: 'Medians and slopes by run; over or below where only that bound is known',
      columns: runColumns(results, 'metric'),
      rows: all.flatMap(({ id, title, metrics }) => {
        const row = (what: string, metric?: string, withReason = true): readonly Part[] => [
          markup`<code>${id}</code><br>${what}`,
          ...results.map((result) =>
            metricCell(
              result.bench?.experiments?.find((one) => one.id === id),
              metric,
              withReason,
            ),
          ),
        ]
        // why: the first row says why there is no answer, the others need not
        return metrics.length === 0
          ? [row(title)]
          : metrics.map((metric, at) => row(metric.title, metric.id, at === 0))
      }),
    }),
  )
}

function metricCell(
  found: ExperimentResult | undefined,
  id: string | undefined,
  withReason: boolean,
): Part {
  if (found === undefined) return absent
  if (found.status !== 'answered')
    return withReason ? `${found.status}: ${found.reason ?? absent}` : absent
  const metric = found.metrics.find((one) => one.id === id)
  return metric === undefined ? absent : markup`<strong>${metricText(metric)}</strong>`
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
    'Load before the run': environment.loadAverageAtStart.join(', '),
    Target: result.implementation.target,
    Mode: result.implementation.mode ?? absent,
    Provider: cluster.provider,
    Nodes: cluster.nodes.map((node) => `${node.name} in ${node.lan}`).join(', '),
    Suite: `${suite.version} ${suite.commit?.slice(0, 12) ?? ''}`,
    Seed: String(suite.seed),
    ...Object.fromEntries(
      Object.entries(cluster.description).map(([name, value]) => [`Cluster: ${name}`, value]),
    ),
    ...Object.fromEntries(
      Object.entries(environment.tools).map(([name, version]) => [`Program ${name}`, version]),
    ),
  }
}

function unique<T extends { readonly id: string }>(all: readonly T[]): readonly T[] {
  return [...new Map(all.map((one) => [one.id, one] as const)).values()]
}
