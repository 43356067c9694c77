import type { ExperimentResult, MetricResult, ReplicateResult } from '../../model/experiment.ts'
import type { BenchResult } from '../../model/run-result.ts'
import { absent, number, percent, quantity, unitText } from '../format.ts'
import { censoredText } from '../comparison.ts'
import { counted } from '../text.ts'
import { bars } from './charts/bars.ts'
import { heading, slug, type Frame } from './frame.ts'
import { glyph } from './glyph.ts'
import { markup, type Markup } from './markup.ts'
import { metricText } from '../experiment.ts'
import { numberColumn, proseColumn, table, textColumn } from './table.ts'

/** One experiment: its answer, what it means, every metric as a bar with its replicates, and all numbers. */
export function experiment(found: ExperimentResult, frame: Frame, withReplicates: boolean): Markup {
  const id = experimentId(found, frame)
  return markup`<article class="question" id="${id}" aria-labelledby="${id}-title">
<p class="tag"><code>${found.id}</code></p>
${heading(frame.level + 1, found.title, `${id}-title`)}
<p class="answer">${found.answer}</p>
<p class="meta">What it means: ${found.means}.</p>
<p class="meta">${found.load} · ${counted(found.replicates.length, 'replicate')}</p>
${unused(found)}
${found.status === 'answered' && charts(found, id)}
${found.status === 'answered' && metricsTable(found, id)}
${
  withReplicates &&
  found.replicates.length > 0 &&
  markup`<details class="numbers"><summary>All ${found.replicates.length} replicates as numbers</summary>
${replicatesTable(found, id)}</details>`
}
</article>
`
}

/** Where an experiment stands in the document. */
export function experimentId({ id }: Pick<ExperimentResult, 'id'>, { prefix }: Frame): string {
  return `${prefix}q-${slug(id)}`
}

/** An experiment in a line of the overview. */
export function shortExperiment(found: ExperimentResult): Markup {
  if (found.status !== 'answered')
    return markup`<span class="big s-${found.status === 'skipped' ? 'skipped' : 'invalid'}">${glyph(found.status === 'skipped' ? 'skipped' : 'invalid')} ${found.status === 'skipped' ? 'skipped' : 'no valid answer'}</span><span class="small">${found.reason ?? absent}</span>`
  const first = worstOf(found.metrics)
  if (first === undefined) return markup`<span class="big">${absent}</span>`
  return markup`<span class="big">${metricText(first)}</span><span class="small">${first.title}${first.worst !== undefined && first.count > 1 && markup`<br>worst of ${first.count}: ${quantity(first.worst, unitName(first))}`}</span>`
}

/** Of the metrics that decide and have the unit of the first, the one that looks worst. */
function worstOf(metrics: readonly MetricResult[]): MetricResult | undefined {
  const known = metrics.filter(({ value }) => value !== undefined)
  const gated = known.filter(({ role }) => role === 'gated')
  const [first, ...others] = gated.length > 0 ? gated : known
  return others
    .filter(({ unit, better }) => unit === first?.unit && better === first.better)
    .reduce((worst, one) => (isWorse(one, worst) ? one : worst), first)
}

function isWorse(one: MetricResult, other: MetricResult | undefined): boolean {
  const [a = 0, b = 0] = [one.value, other?.value]
  return one.better === 'lower' ? a > b : a < b
}

/** Questions that were not asked, each with the reason. */
export function skippedQuestions(skipped: NonNullable<BenchResult['skipped']>): Markup {
  return markup`<div class="unused s-skipped">${glyph('skipped')}<div><p>${counted(skipped.length, 'question')} not asked:</p>
<ul>${skipped.map(({ id, title, reason }) => markup`<li><code>${id}</code> ${title} ${reason}</li>`)}</ul></div></div>`
}

function unused({ replicates, reason, status }: ExperimentResult): Markup | false {
  const kinds = new Map<string, { readonly first: string; times: number }>()
  for (const { invalid } of replicates)
    for (const why of invalid) {
      // why: reasons that differ in their numbers alone are one
      const kind = why.replaceAll(/\d[\d.,]*/g, '#')
      const known = kinds.get(kind) ?? { first: why, times: 0 }
      known.times += 1
      kinds.set(kind, known)
    }
  const reasons = [...kinds.values()].map(({ first, times }) =>
    times === 1 ? first : `${first} (and ${times - 1} more like this)`,
  )
  if (reason !== undefined && status === 'answered') reasons.push(`it broke off: ${reason}`)
  if (reasons.length === 0) return false
  return markup`<div class="unused s-invalid">${glyph('invalid')}<div><p>Not used:</p>
<ul>${reasons.map((why) => markup`<li>${why}</li>`)}</ul></div></div>`
}

/** A picture for every unit in which more than one replicate was measured. */
function charts({ metrics, replicates }: ExperimentResult, id: string): Markup | false {
  const drawn = metrics.filter(
    ({ summary, count, unit }) => summary === 'median' && count > 1 && unit !== 'count',
  )
  const units = [...new Set(drawn.map(({ unit }) => unit))]
  if (units.length === 0) return false
  return markup`<div class="charts">${units.map((unit) => {
    const own = drawn.filter((metric) => metric.unit === unit)
    return markup`<figure><figcaption>Bars are medians, dots single replicates</figcaption>
${bars({
  id: `${id}-bars-${slug(unit)}`,
  title: `Replicates in ${unitText(unit)}`,
  unit,
  ...(new Set(own.map(({ better }) => better)).size === 1 && {
    better: own[0]?.better === 'lower' ? 'shorter is better' : 'longer is better',
  }),
  bars: own.map((metric) => ({
    label: metric.title,
    arm: 'target',
    value: metric.value,
    dots: dotsOf(metric, replicates),
  })),
})}</figure>
`
  })}</div>`
}

function dotsOf(
  metric: MetricResult,
  replicates: readonly ReplicateResult[],
): readonly { readonly value: number; readonly tip: string }[] {
  return replicates.flatMap(({ values, invalid, label, censored }) => {
    const value = values[metric.id]
    if (value === undefined || invalid.length > 0) return []
    const over = censoredText(metric.better, censored.includes(metric.id))
    return [{ value, tip: `${label}: ${over}${quantity(value, metric.unit)}` }]
  })
}

function metricsTable({ metrics }: ExperimentResult, id: string): Markup {
  return table({
    id: `${id}-metrics`,
    caption:
      'In numbers: what decides where versions are compared is gated; a change below the margin is of no interest',
    columns: [
      textColumn('metric'),
      numberColumn('value'),
      numberColumn('interval'),
      numberColumn('worst'),
      numberColumn('replicates'),
      numberColumn('only a bound'),
      textColumn('role'),
      textColumn('better'),
      numberColumn('margin'),
    ],
    rows: metrics.map((metric) => [
      metric.title,
      metricText(metric),
      metric.interval === undefined
        ? absent
        : `${number(metric.interval[0])} to ${quantity(metric.interval[1], unitName(metric))} (${percent(metric.confidence)})`,
      metric.worst === undefined ? absent : quantity(metric.worst, unitName(metric)),
      String(metric.count),
      String(metric.censored),
      metric.role,
      metric.better,
      percent(metric.margin, 0),
    ]),
  })
}

function replicatesTable({ metrics, replicates }: ExperimentResult, id: string): Markup {
  const isSized = replicates.some(({ size }) => size !== undefined)
  return table({
    id: `${id}-replicates`,
    caption: 'Replicates in the order in which they ran; > or < where only that bound is known',
    columns: [
      textColumn('what'),
      ...(isSized ? [numberColumn('size')] : []),
      ...metrics.map(({ title, unit }) =>
        numberColumn(unit === 'count' ? title : `${title}, ${unitText(unit)}`),
      ),
      proseColumn('note'),
      proseColumn('used'),
    ],
    rows: replicates.map(({ label, size, values, censored, note, invalid }) => [
      label,
      ...(isSized ? [number(size)] : []),
      ...metrics.map((metric) => {
        const value = values[metric.id]
        return value === undefined
          ? absent
          : `${censored.includes(metric.id) ? (metric.better === 'lower' ? '> ' : '< ') : ''}${number(value)}`
      }),
      note ?? '',
      invalid.length === 0 ? 'yes' : `no: ${invalid.join('; ')}`,
    ]),
  })
}

function unitName({ unit }: MetricResult): string {
  return unit === 'count' ? '' : unit
}
