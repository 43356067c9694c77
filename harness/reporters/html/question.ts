import type { BenchArm, BenchQuestion, BenchResult } from '../../model/run-result.ts'
import { quantity } from '../format.ts'
import { invalidReasons, invalidTrials, trialCount } from '../invalid-trials.ts'
import { counted } from '../text.ts'
import { bars } from './charts/bars.ts'
import { latencyCurve, type Curve } from './charts/latency-curve.ts'
import { pairs } from './charts/pairs.ts'
import { distributionOf, merged } from './distribution.ts'
import { heading, slug, type Frame } from './frame.ts'
import { glyph } from './glyph.ts'
import { markup, type Markup } from './markup.ts'
import { armsTable, pairsTable, trialsTable } from './numbers.ts'

/** One question: its answer, the pictures behind it, the numbers behind those. */
export function question(
  asked: BenchQuestion,
  order: BenchResult['order'],
  frame: Frame,
  withTrials: boolean,
): Markup {
  const id = questionId(asked, frame)
  return markup`<article class="question" id="${id}" aria-labelledby="${id}-title">
<p class="tag"><code>${asked.id}</code></p>
${heading(frame.level + 1, asked.title, `${id}-title`)}
<p class="answer">${asked.answer}</p>
${unused(asked)}
${asked.means !== undefined && markup`<p class="meta">What it means: ${asked.means}.</p>`}
<p class="meta">${asked.load} · ${asked.generator} · ${counted(trialCount(asked), 'trial')}</p>
${trialCount(asked) > 0 && pictures(asked, order, id, withTrials)}
</article>
`
}

/** What was measured, and the numbers behind it. */
function pictures(
  asked: BenchQuestion,
  order: BenchResult['order'],
  id: string,
  withTrials: boolean,
): Markup {
  const curves = isTime(asked) ? asked.arms.flatMap(curveOf) : []
  return markup`${legend(asked.arms)}
<div class="charts${asked.effect !== undefined && curves.length > 0 && ' three'}">
<figure><figcaption>${metricName(asked)}: bars are medians, dots single trials</figcaption>
${bars({
  id: `${id}-bars`,
  title: `${metricName(asked)} by way`,
  unit: asked.unit,
  better: asked.better === 'lower' ? 'shorter is better' : 'longer is better',
  bars: asked.arms.map((arm) => barOf(arm, asked)),
})}</figure>
${
  asked.effect !== undefined &&
  markup`<figure><figcaption>Pair by pair: ${asked.effect.metric}</figcaption>
${pairs(`${id}-pairs`, asked.effect, asked.better)}</figure>
`
}${
    curves.length > 0 &&
    markup`<figure><figcaption>Response times: all valid trials together, thin lines are single trials</figcaption>
${latencyCurve(`${id}-curve`, `Response times of ${asked.id}`, curves)}</figure>
`
  }</div>
${armsTable(asked, curves, id)}
${
  withTrials &&
  markup`<details class="numbers"><summary>All ${trialCount(asked)} trials as numbers</summary>
${asked.effect !== undefined && pairsTable(asked, asked.effect, id)}${trialsTable(asked, order, id)}</details>`
}`
}

/** Where a question stands in the document. */
export function questionId({ id }: BenchQuestion, { prefix }: Frame): string {
  return `${prefix}q-${slug(id)}`
}

/** What a trial yields. */
function metricName({ unit }: BenchQuestion): string {
  return unit === 'req/s'
    ? 'Requests per second'
    : unit === 'us/req'
      ? 'CPU per request'
      : 'Median response time'
}

function isTime({ unit }: BenchQuestion): boolean {
  return unit === 'us' || unit === 'ms'
}

function curveOf(arm: BenchArm): readonly Curve[] {
  const trials = arm.trials
    .filter((trial) => trial.valid)
    .map(distributionOf)
    .filter((one) => one !== undefined)
  const all = merged(trials)
  return all === undefined ? [] : [{ arm: arm.id, label: arm.label, all, trials }]
}

function barOf(arm: BenchArm, { unit }: BenchQuestion): Parameters<typeof bars>[0]['bars'][number] {
  return {
    label: `${arm.id}: ${arm.label}`,
    arm: arm.id,
    value: arm.value,
    dots: arm.trials.flatMap((trial) =>
      trial.value === undefined
        ? []
        : [{ value: trial.value, tip: `pair ${trial.pair + 1}: ${quantity(trial.value, unit)}` }],
    ),
  }
}

function unused(asked: BenchQuestion): Markup | false {
  const reasons = invalidReasons(asked)
  if (reasons.length === 0) return false
  return markup`<div class="unused s-invalid">${glyph('invalid')}<div><p>${invalidTrials(asked).length} of ${counted(trialCount(asked), 'trial')} not used:</p>
<ul>${reasons.map((reason) => markup`<li>${reason}</li>`)}</ul></div></div>`
}

function legend(arms: readonly BenchArm[]): Markup | false {
  return (
    arms.length > 1 &&
    markup`<ul class="legend" aria-label="Ways compared">${arms.map(
      (arm) =>
        markup`<li><svg class="key" viewBox="0 0 34 12" aria-hidden="true" focusable="false"><path class="line ${arm.id}" d="M1 6h32"/><circle class="dot ${arm.id}" cx="17" cy="6" r="4"/></svg> ${arm.id}: ${arm.label}</li>`,
    )}</ul>`
  )
}
