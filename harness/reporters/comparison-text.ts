import type { Comparison, ComparisonGate, RowChange } from '../model/comparison.ts'
import {
  changeFacts,
  changeGroups,
  countText,
  gateLine,
  metricCells,
  metricHead,
  relationText,
  sessionText,
  sideText,
  statusText,
} from './comparison.ts'
import { counted, visible } from './text.ts'
import { textTable } from './text-table.ts'

/** A comparison for a terminal. */
export function comparisonText(comparison: Comparison, gate?: ComparisonGate): string {
  const { a, b, differences, metrics, sessions } = comparison
  const parts = [
    `A  ${sideText(a)}\nB  ${sideText(b)}`,
    relationText(comparison),
    differences.length === 0
      ? 'Machine, programs, cluster and suite are the same.'
      : `What differs around them\n${indented(textTable([['', 'A', 'B'], ...differences.map(({ what, a: one, b: other }) => [what, one, other])]))}`,
    ...conformance(comparison),
    ...(metrics.length === 0
      ? []
      : [
          `Numbers, beside each other\n${indented(textTable([metricHead, ...metrics.map(metricCells)]))}`,
        ]),
    ...sessions.map((session) =>
      [sessionText(session), ...session.sentences.map((sentence) => `  ${sentence}`)].join('\n'),
    ),
    ...(gate === undefined
      ? []
      : [[gateLine(gate), ...gate.reasons.map((reason) => `  ${reason}`)].join('\n')]),
  ]
  return visible(parts.join('\n\n'))
}

function conformance({ conformance: rows }: Comparison): readonly string[] {
  if (rows === undefined) return []
  const { a, b, changes, unchanged } = rows
  const head = `Conformance\n  A  ${countText(a)}\n  B  ${countText(b)}`
  if (a === undefined || b === undefined) return [head]
  return [
    `${head}\n  ${counted(unchanged, 'row')} the same, ${counted(changes.length, 'row')} not`,
    ...changeGroups(changes).map(({ title, count, rows: own, brief }) =>
      [
        `${title} (${count})`,
        ...own.map(rowText),
        ...brief.map(({ text, ids }) => `  ${text}: ${ids.join(', ')}`),
      ].join('\n'),
    ),
  ]
}

function rowText(row: RowChange): string {
  return [
    `  ${row.id}  ${row.level}  ${statusText(row)}: ${row.title}`,
    ...changeFacts(row).map(
      ([name, text]) => `    ${name.padEnd(11)}${text.replaceAll('\n', `\n${' '.repeat(15)}`)}`,
    ),
  ].join('\n')
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
