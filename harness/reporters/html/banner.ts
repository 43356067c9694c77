import type { RunResult } from '../../model/run-result.ts'
import { outcomeOf, partOf, troubles } from '../conformance.ts'
import { gateWords } from '../gate.ts'
import { trialCount } from '../invalid-trials.ts'
import { counted } from '../text.ts'
import { isAnswered, verdictOf } from '../verdict.ts'
import { rowId, statusWords } from './conformance-row.ts'
import { heading, type Frame } from './frame.ts'
import { experimentId } from './experiments.ts'
import { metricId } from './gate.ts'
import { glyph } from './glyph.ts'
import { markup, prose, type Markup } from './markup.ts'
import { questionId } from './question.ts'
import { stepId } from './walkthrough.ts'

/** The verdict: one sentence, what the exit code says, and what a reader must know before believing more. */
export function banner(result: RunResult, frame: Frame, headingLevel: 1 | 3): Markup {
  const verdict = verdictOf(result)
  const { problems, partial } = result
  return markup`<div class="banner s-${verdict.conclusion}">
${glyph(verdict.conclusion)}
<div>
<p class="word">${verdict.word}</p>
${heading(headingLevel, verdict.sentence)}
<p class="exit"><span class="code">exit code ${verdict.exitCode}</span> ${verdict.exitMeaning}</p>
${culprits(result, frame)}${
    partial &&
    markup`<p class="note"><strong>Partial.</strong> The run was interrupted. What was found until then is shown; it must not be compared with other runs.</p>`
  }${
    problems.length > 0 &&
    markup`<p class="note"><strong>The harness had trouble.</strong> <a href="#${frame.prefix}problems">${counted(problems.length, 'problem')}</a> to read before believing the rest.</p>`
  }</div>
</div>
`
}

/** Named in the banner at most. */
const maxCulprits = 6

/** What kept the run from passing, each a link to its place. */
function culprits(
  { walkthrough, conformance, bench, gate }: RunResult,
  frame: Frame,
): Markup | false {
  const steps = (walkthrough?.steps ?? [])
    .filter(({ status }) => status === 'failed' || status === 'inconclusive')
    .map((step) => ({ id: stepId(step, frame), text: step.title, why: step.status }))
  const questions = (bench?.questions ?? [])
    .filter((question) => !isAnswered(question))
    .map((question) => ({
      id: questionId(question, frame),
      text: question.title,
      why: trialCount(question) === 0 ? 'not asked' : 'no valid trial',
    }))
  const experiments = (bench?.experiments ?? [])
    .filter(({ status }) => status === 'unanswered')
    .map((found) => ({
      id: experimentId(found, frame),
      text: found.title,
      why: 'no valid answer',
    }))
  const rows = troubles(conformance?.tests ?? [])
    .filter(
      (test) =>
        ['failure', 'error'].includes(outcomeOf(test)) ||
        (conformance?.conclusion === 'partial' &&
          test.status === 'skipped' &&
          partOf(test) === 'core'),
    )
    .map((test) => ({
      id: rowId(test, frame),
      text: `${test.id} ${test.title}`,
      why: statusWords[test.status],
    }))
  const metrics = (gate?.metrics ?? [])
    .filter(({ isGated, verdict }) => isGated && verdict !== 'ok' && verdict !== 'improved')
    .map((metric) => ({
      id: metricId(metric, frame),
      text: metric.sentence,
      why: gateWords[metric.verdict],
    }))
  const all = [...steps, ...rows, ...questions, ...experiments, ...metrics]
  if (all.length === 0) return false
  return markup`<ul class="culprits">${all
    .slice(0, maxCulprits)
    .map(({ id, text, why }) => markup`<li><a href="#${id}">${prose(text)}</a> (${why})</li>`)}${
    all.length > maxCulprits && markup`<li>and ${all.length - maxCulprits} more</li>`
  }</ul>`
}
