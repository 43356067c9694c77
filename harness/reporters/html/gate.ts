import type { GateMetric, GateQuestion, GateResult } from '../../model/gate.ts'
import { percent } from '../format.ts'
import {
  changeInterval,
  changeText,
  effectOf,
  gateLooks,
  gateWords,
  metricNumberNames,
  metricNumbers,
  pText,
  ruleText,
} from '../gate.ts'
import { counted } from '../text.ts'
import { latencyCurve, type Curve } from './charts/latency-curve.ts'
import { pairs } from './charts/pairs.ts'
import { distributionOf, merged } from './distribution.ts'
import { heading, section, slug, type Frame } from './frame.ts'
import { glyph } from './glyph.ts'
import { markup, type Markup } from './markup.ts'
import { numberColumn, proseColumn, table, textColumn } from './table.ts'

/** A candidate against its baseline: every metric in a table, then the pairs of those that decide, then the controls. */
export function gate(result: GateResult, frame: Frame): Markup {
  const gated = result.metrics.filter(({ isGated }) => isGated)
  return section(
    frame,
    'gate',
    'Candidate against baseline',
    markup`<p class="lead">Both ran in this session, each in a cluster of its own, in pairs of trials back to back and in random order. A ratio is candidate over baseline.</p>
${
  result.isSameProgram &&
  markup`<p class="note"><strong>The same program.</strong> Candidate and baseline do not differ: what is seen here is the noise of this machine.</p>`
}${metricsTable(result, frame)}
<p class="meta">${ruleText(result)} Metrics that are not gated are shown and decide nothing.</p>
${gated.map((metric) => metricArticle(metric, result, frame))}
${controlsTable(result, frame)}`,
  )
}

/** Where a metric stands in the document. */
export function metricId({ id }: GateMetric, { prefix }: Frame): string {
  return `${prefix}m-${slug(id)}`
}

function metricsTable({ metrics }: GateResult, frame: Frame): Markup {
  return table({
    id: `${frame.prefix}gate-metrics`,
    caption: 'Metrics',
    columns: [
      textColumn('metric'),
      textColumn('verdict'),
      ...metricNumberNames.map(numberColumn),
      numberColumn('p, adjusted'),
      numberColumn('pairs'),
    ],
    rows: metrics.map((metric) => [
      metric.isGated ? markup`<a href="#${metricId(metric, frame)}">${metric.id}</a>` : metric.id,
      markup`<span class="s-${gateLooks[metric.verdict]}">${glyph(gateLooks[metric.verdict])} ${gateWords[metric.verdict]}</span>${!metric.isGated && ' (not gated)'}`,
      ...metricNumbers(metric),
      pText(metric.adjustedP),
      String(metric.pairs.length),
    ]),
  })
}

function metricArticle(metric: GateMetric, result: GateResult, frame: Frame): Markup {
  const id = metricId(metric, frame)
  const look = gateLooks[metric.verdict]
  const effect = effectOf(metric)
  const question = result.questions.find((one) => metric.id.startsWith(`${one.id}/`))
  const curves = question === undefined || metric.unit !== 'us' ? [] : curvesOf(question)
  return markup`<article class="question" id="${id}" aria-labelledby="${id}-title">
<p class="tag"><code>${metric.id}</code></p>
${heading(frame.level + 1, metric.title, `${id}-title`)}
<p class="answer s-${look}">${glyph(look)} ${metric.sentence}</p>
<p class="meta">${question?.load ?? ''} · ${metric.better} is better${
    question !== undefined &&
    question.requeued > 0 &&
    ` · ${counted(question.requeued, 'pair')} run again`
  }</p>
<div class="charts">${
    effect !== undefined &&
    markup`<figure><figcaption>Pair by pair: ${effect.metric}</figcaption>
${pairs(`${id}-pairs`, effect, metric.better, 'candidate over baseline')}</figure>
`
  }${
    curves.length > 0 &&
    markup`<figure><figcaption>Response times of all valid trials: baseline dashed, candidate solid</figcaption>
${latencyCurve(`${id}-curve`, `Response times of ${metric.id}`, curves)}</figure>
`
  }</div>
</article>
`
}

function curvesOf({ arms }: GateQuestion): readonly Curve[] {
  return (
    [
      ['baseline', 'direct'],
      ['candidate', 'target'],
    ] as const
  ).flatMap(([id, arm]) => {
    const trials = (arms.find((one) => one.id === id)?.trials ?? [])
      .filter(({ valid }) => valid)
      .map(distributionOf)
      .filter((one) => one !== undefined)
    const all = merged(trials)
    return all === undefined ? [] : [{ arm, label: id, all, trials }]
  })
}

function controlsTable({ controls }: GateResult, frame: Frame): Markup | false {
  if (controls.length === 0) return false
  return markup`${heading(frame.level + 1, 'Controls: what cannot differ')}
${table({
  id: `${frame.prefix}gate-controls`,
  caption: 'Controls',
  columns: [
    proseColumn('what is compared'),
    textColumn('seen'),
    numberColumn('change'),
    numberColumn('interval'),
    numberColumn('confidence'),
    numberColumn('pairs'),
  ],
  rows: controls.map((control) => [
    control.title,
    control.verdict,
    changeText(control.ratio),
    changeInterval(control),
    percent(control.confidence),
    String(control.pairs),
  ]),
})}`
}
