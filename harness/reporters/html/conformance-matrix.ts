import type { TestResult } from '../../model/conformance.ts'
import type { Profile } from '../../model/requirement.ts'
import type { RunResult } from '../../model/run-result.ts'
import { absent } from '../format.ts'
import { counted, shortened } from '../text.ts'
import { statusCell } from './conformance.ts'
import { rowId, statusWords, toneOf } from './conformance-row.ts'
import { section, type Frame } from './frame.ts'
import { glyph } from './glyph.ts'
import { markup, prose, type Markup, type Part } from './markup.ts'
import { runName } from './side-by-side.ts'
import { table, textColumn } from './table.ts'

/** Characters of a title; the row itself shows all of it. */
const maxTitleLength = 110

/** A requirement over all runs; undefined where a run did not have it. */
interface Line {
  readonly test: TestResult
  readonly cells: readonly (TestResult | undefined)[]
}

/** Targets or releases beside each other: profiles, then the rows whose verdicts differ, then the rest folded. */
export function conformanceMatrix(results: readonly RunResult[], frame: Frame): Markup | false {
  const lines = linesOf(results)
  if (lines.length === 0) return false
  const differing = lines.filter(differs)
  const same = lines.filter((line) => !differs(line))
  return section(
    frame,
    'conformance-matrix',
    'Conformance side by side',
    profiles(results),
    markup`<div data-filter="matrix">${
      differing.length === 0
        ? markup`<p>Every row has the same verdict in all runs.</p>`
        : matrix(
            'rows-differing',
            `${counted(differing.length, 'row')} whose verdicts differ`,
            differing,
            results,
          )
    }
${
  same.length > 0 &&
  markup`<details class="group"><summary>${counted(same.length, 'row')} with the same verdict everywhere</summary>${matrix('rows-same', 'Rows with the same verdict in all runs', same, results)}</details>`
}</div>`,
  )
}

function linesOf(results: readonly RunResult[]): readonly Line[] {
  const known = results.map(
    ({ conformance }) =>
      new Map((conformance?.tests ?? []).map((test) => [test.id, test] as const)),
  )
  const first = new Map<string, TestResult>()
  for (const tests of known) for (const [id, test] of tests) if (!first.has(id)) first.set(id, test)
  return [...first].map(([id, test]) => ({ test, cells: known.map((tests) => tests.get(id)) }))
}

function differs({ cells }: Line): boolean {
  return new Set(cells.map((cell) => cell?.status)).size > 1
}

function profiles(results: readonly RunResult[]): Markup {
  const names = [
    ...new Set(
      results.flatMap(({ conformance }) => (conformance?.profiles ?? []).map(({ name }) => name)),
    ),
  ]
  const cell = ({ conformance }: RunResult, name: Profile): Part => {
    const profile = conformance?.profiles.find((one) => one.name === name)
    return profile === undefined ? absent : statusCell(profile.core, true)
  }
  return table({
    id: 'profiles-by-run',
    caption: 'Core rows that passed, by run',
    columns: [textColumn('profile'), ...results.map((one, at) => textColumn(runName(one, at)))],
    rows: names.map((name) => [name, ...results.map((result) => cell(result, name))]),
  })
}

function matrix(
  id: string,
  caption: string,
  lines: readonly Line[],
  results: readonly RunResult[],
): Markup {
  return markup`<div class="scroll matrix" tabindex="0" role="group" aria-labelledby="${id}"><table>
<caption id="${id}"><span>${caption}</span></caption>
<thead><tr><th scope="col">row</th>${results.map((one, at) => markup`<th scope="col">${runName(one, at)}</th>`)}</tr></thead>
<tbody>
${lines.map(({ test, cells }) => {
  const states = [...new Set(cells.flatMap((cell) => cell?.status ?? []))].join(' ')
  return markup`<tr data-row="${test.level} ${states}"><th scope="row"><code>${test.id}</code> <span class="level">${test.level}</span><br>${prose(shortened(test.title, maxTitleLength))}</th>${cells.map(
    (cell, at) => matrixCell(cell, at),
  )}</tr>
`
})}</tbody></table></div>
`
}

function matrixCell(test: TestResult | undefined, at: number): Markup {
  if (test === undefined) return markup`<td>${absent}</td>`
  if (test.status === 'passed') return markup`<td class="ok">passed</td>`
  const frame: Frame = { prefix: `run-${at + 1}-`, level: 3 }
  return markup`<td class="${toneOf(test)}"><span class="mark">${glyph(test.status)} <a href="#${rowId(test, frame)}">${statusWords[test.status]}</a></span></td>`
}
