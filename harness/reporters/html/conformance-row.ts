import type { TestResult, TestStatus } from '../../model/conformance.ts'
import { findingText, outcomeOf, partOf, wrongFindings } from '../conformance.ts'
import { duration } from '../format.ts'
import { slug, type Frame } from './frame.ts'
import { glyph } from './glyph.ts'
import { markup, prose, type Markup, type Part } from './markup.ts'
import { command, output } from './output.ts'
import { link } from './tested.ts'

export const statusWords: Readonly<Record<TestStatus, string>> = {
  passed: 'passed',
  failed: 'failed',
  error: 'not judged',
  flaky: 'flaky',
  knownIssue: 'known issue',
  skipped: 'skipped',
  notSupported: 'not claimed',
}

/** Where a row stands in the document. */
export function rowId({ id }: Pick<TestResult, 'id'>, { prefix }: Frame): string {
  return `${prefix}row-${slug(id)}`
}

/** Its tone: what is not met but decides nothing is a warning. */
export function toneOf(test: TestResult): string {
  return test.status === 'failed' && outcomeOf(test) === 'todo' ? 's-invalid' : `s-${test.status}`
}

/** One requirement: id, what it says, level, verdict and why; the evidence folded. */
export function row(test: TestResult, frame: Frame): Markup {
  const { id, title, level, status, reason, durationMs } = test
  const passed = status === 'passed'
  return markup`<li class="row ${toneOf(test)}" id="${rowId(test, frame)}" data-row="${level} ${status}"><details><summary>${
    passed ? markup`<i class="tick"></i>` : glyph(status)
  }<code class="id">${id}</code><span class="what">${prose(title)}${
    !passed && reason !== undefined && markup`<span class="why">${reason}</span>`
  }</span><span class="level">${level}</span><span class="state">${statusWords[status]}</span><span class="took">${duration(durationMs)}</span></summary>
${facts(test)}</details></li>
`
}

function facts(test: TestResult): Markup {
  const { feature, sources, expected, observed, convergence, statistic } = test
  const open = test.status !== 'passed'
  const wrong = wrongFindings(test)
  const entries: readonly (readonly [string, Part])[] = [
    [
      'requirement',
      markup`${test.profile} ${partOf(test)}${feature !== undefined && markup`, feature <code>${feature}</code>`}${sources.map(({ ref, url }) => markup`; ${url === undefined ? ref : link(url, ref)}`)}`,
    ],
    ['expected', expected !== undefined && output(expected, open)],
    ['observed', observed !== undefined && output(observed, open)],
    ['findings', wrong.length > 0 && output(wrong.map(findingText).join('\n'), open)],
    [
      'converged',
      convergence !== undefined &&
        `${duration(convergence.observedMs)} of at most ${duration(convergence.thresholdMs)}`,
    ],
    [
      'statistic',
      statistic !== undefined &&
        `${statistic.test}, n = ${statistic.n}, p = ${statistic.p} (corrected ${statistic.adjustedP}, alpha ${statistic.alpha})`,
    ],
    ['attempts', test.attempts > 1 && String(test.attempts)],
    [
      'evidence',
      test.evidence.length > 0 &&
        test.evidence.map(({ kind, path }, at) => [
          at > 0 && markup`<br>`,
          markup`<code>${path}</code> ${kind}`,
        ]),
    ],
    [
      'known issue',
      test.knownIssue !== undefined && [
        link(test.knownIssue.url, test.knownIssue.url),
        `, until ${test.knownIssue.expires}`,
      ],
    ],
    ['repeat', open && command(test.reproduce)],
  ]
  return markup`<dl class="outcome">${entries
    .filter(([, value]) => value !== false)
    .map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}
