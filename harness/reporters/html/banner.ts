import type { RunResult } from '../../model/run-result.ts'
import { counted } from '../text.ts'
import { verdictOf } from '../verdict.ts'
import { heading, type Frame } from './frame.ts'
import { glyph } from './glyph.ts'
import { markup, type Markup } from './markup.ts'

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
${
  partial &&
  markup`<p class="note"><strong>Partial.</strong> The run was interrupted. What was found until then is shown; it must not be compared with other runs.</p>`
}${
    problems.length > 0 &&
    markup`<p class="note"><strong>The harness had trouble.</strong> <a href="#${frame.prefix}problems">${counted(problems.length, 'problem')}</a> to read before believing the rest.</p>`
  }</div>
</div>
`
}
