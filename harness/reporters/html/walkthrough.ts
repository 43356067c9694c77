import type { StepResult, WalkthroughResult } from '../../model/run-result.ts'
import { duration } from '../format.ts'
import { having } from '../verdict.ts'
import { heading, section, slug, type Frame } from './frame.ts'
import { glyph } from './glyph.ts'
import { markup, type Markup } from './markup.ts'
import { command, output } from './output.ts'
import { link } from './tested.ts'

/** The story step by step: what a person would type, what was expected, what was seen. */
export function walkthrough(result: WalkthroughResult, frame: Frame): Markup {
  const source =
    result.sourceUrl === undefined ? markup`${result.title}` : link(result.sourceUrl, result.title)
  return section(
    frame,
    'walkthrough',
    'Walkthrough',
    markup`<p class="lead">${source}. ${tally(result.steps)}</p>
<ol class="steps">
${result.steps.map((step) => drawStep(step, frame))}</ol>`,
  )
}

/** Where a step stands in the document. */
export function stepId({ id }: StepResult, { prefix }: Frame): string {
  return `${prefix}step-${slug(id)}`
}

function tally(steps: readonly StepResult[]): string {
  const parts = (['passed', 'failed', 'inconclusive', 'skipped'] as const)
    .map((status) => ({ status, found: having(steps, status) }))
    .filter(({ found }) => found > 0)
    .map(({ status, found }) => `${found} ${status}`)
  return `${steps.length} steps: ${parts.join(', ')}.`
}

function drawStep(step: StepResult, frame: Frame): Markup {
  return markup`<li class="step s-${step.status}" id="${stepId(step, frame)}">
${glyph(step.status)}
<div class="step-head">${heading(frame.level + 1, step.title)}<p class="step-status"><span class="status">${step.status}</span> <span class="took">${duration(step.durationMs)}</span></p></div>
${step.command !== undefined && command(step.command)}
${outcome(step)}</li>
`
}

function outcome({ status, reason, expected, seen }: StepResult): Markup | false {
  const entries = [
    reason !== undefined && entry('reason', reason, true),
    expected !== undefined && entry('expected', expected, status !== 'passed'),
    seen !== undefined && entry('seen', seen, status !== 'passed'),
  ].filter((one) => one !== false)
  return (
    entries.length > 0 &&
    markup`<dl class="outcome">
${entries}</dl>
`
  )
}

function entry(name: string, text: string, mayStayOpen: boolean): Markup {
  return markup`<div class="o-${name}"><dt>${name}</dt><dd>${output(text, mayStayOpen)}</dd></div>
`
}
