import type { BenchQuestion, BenchResult } from '../../model/run-result.ts'
import type { SecondOpinion } from '../../model/second-opinion.ts'
import { opinionText } from '../second-opinion.ts'
import { absent, effectText, intervalText, percent, quantity } from '../format.ts'
import { invalidTrials, trialCount } from '../invalid-trials.ts'
import { counted } from '../text.ts'
import { isAnswered } from '../verdict.ts'
import { bars } from './charts/bars.ts'
import { heading, section, type Frame } from './frame.ts'
import { glyph } from './glyph.ts'
import { markup, type Markup } from './markup.ts'
import { experiment, experimentId, shortExperiment, skippedQuestions } from './experiments.ts'
import { cpuUsPerRequest } from './numbers.ts'
import { question, questionId } from './question.ts'
import { numberColumn, table, textColumn } from './table.ts'

/** All answers in short, then every question with its pictures, then what a request costs in CPU. */
export function bench(
  { questions, order, secondOpinion, skipped = [], experiments = [] }: BenchResult,
  frame: Frame,
  withTrials: boolean,
): Markup {
  return section(
    frame,
    'bench',
    'Benchmarks',
    markup`${lead(questions, order, experiments)}
${atAGlance(questions, experiments, frame)}
${skipped.length > 0 && skippedQuestions(skipped)}
${questions.map((asked) => question(asked, order, frame, withTrials))}
${experiments.map((found) => experiment(found, frame, withTrials))}
${secondOpinion === undefined ? '' : opinion(secondOpinion)}
${cpu(questions, frame)}`,
  )
}

function lead(
  questions: readonly BenchQuestion[],
  order: BenchResult['order'],
  experiments: NonNullable<BenchResult['experiments']>,
): Markup {
  return markup`${
    (questions.length > 0 || experiments.length === 0) &&
    markup`<p class="lead">${counted(questions.length, 'question')}, ${counted(order.length, 'trial')}. Each way is measured in pairs, back to back and in random order; an effect is the Hodges-Lehmann estimate over the pairs, with its exact interval.</p>`
  }${
    experiments.length > 0 &&
    markup`<p class="lead">${counted(experiments.length, 'question')} whose replicates are events, sizes or searches. What stands for all of them is the median with its exact interval; what was given up waiting for ranks worst.</p>`
  }`
}

function opinion(seen: SecondOpinion): Markup {
  const [title, text] = opinionText(seen)
  return markup`<h3>${title}</h3>
<p>${text}</p>`
}

function atAGlance(
  questions: readonly BenchQuestion[],
  experiments: NonNullable<BenchResult['experiments']>,
  frame: Frame,
): Markup {
  return markup`<ol class="glance">
${questions.map(
  (
    asked,
  ) => markup`<li><a href="#${questionId(asked, frame)}">${asked.title}</a>${shortAnswer(asked)}</li>
`,
)}${experiments.map(
    (
      found,
    ) => markup`<li><a href="#${experimentId(found, frame)}">${found.title}</a>${shortExperiment(found)}</li>
`,
  )}</ol>
`
}

function shortAnswer(asked: BenchQuestion): Markup {
  const { effect } = asked
  const value = asked.arms.find((arm) => arm.id === 'target')?.value
  if (!isAnswered(asked) || value === undefined)
    return trialCount(asked) === 0
      ? markup`<span class="big s-invalid">${glyph('invalid')} not asked</span><span class="small">${asked.answer}</span>`
      : markup`<span class="big s-invalid">${glyph('invalid')} no valid trial</span><span class="small">${absent}</span>`
  const own = quantity(value, asked.unit)
  if (effect === undefined)
    return markup`<span class="big">${own}</span><span class="small">median of ${counted(trialCount(asked) - invalidTrials(asked).length, 'trial')}</span>`
  const direct = quantity(asked.arms.find((arm) => arm.id === 'direct')?.value, asked.unit)
  const range =
    effect.interval === undefined
      ? 'too few pairs for an interval'
      : `${intervalText(effect)}, ${percent(effect.confidence)} confidence`
  return markup`<span class="big">${effectText(effect.estimate, effect)}</span><span class="small">${direct} direct, ${own} through target<br>${range}</span>`
}

function cpu(questions: readonly BenchQuestion[], frame: Frame): Markup | false {
  const rows = questions.flatMap((asked) =>
    asked.arms.map((arm) => ({ asked, arm, value: cpuUsPerRequest(arm) })),
  )
  if (rows.every(({ value }) => value === undefined)) return false
  const id = `${frame.prefix}cpu`
  return markup`<article class="question" id="${id}" aria-labelledby="${id}-title">
<p class="tag"><code>cpu</code></p>
${heading(frame.level + 1, 'What does a request cost the data plane in CPU time?', `${id}-title`)}
<p class="meta">User and system time of the data plane on all nodes per completed request, median over valid trials. The direct way goes past the data plane: what is left there is its idle cost.</p>
<div class="charts">
<figure><figcaption>CPU time per request through the target</figcaption>
${bars({
  id: `${id}-bars`,
  title: 'CPU time of the data plane per request',
  unit: 'us/req',
  better: 'shorter is better',
  bars: rows
    .filter(({ arm, value }) => arm.id === 'target' && value !== undefined)
    .map(({ asked, value }) => ({ label: asked.id, arm: 'target', value, dots: [] })),
})}</figure>
<div>${table({
    id: `${id}-table`,
    caption: 'CPU time of the data plane per request',
    columns: [textColumn('question'), textColumn('way'), numberColumn('µs/req')],
    rows: rows.map(({ asked, arm, value }) => [
      asked.id,
      arm.id,
      value === undefined ? absent : quantity(value, '').trim(),
    ]),
  })}</div>
</div>
</article>
`
}
