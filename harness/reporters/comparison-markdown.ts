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
import { fenced, inline, table } from './markdown-text.ts'
import { counted } from './text.ts'

/** Characters of one output. */
const maxFact = 1_000

/** A comparison for a pull request or a job's summary. */
export function comparisonMarkdown(comparison: Comparison, gate?: ComparisonGate): string {
  const { a, b, differences, metrics, sessions } = comparison
  const blocks = [
    `## ${inline(a.implementation.project)} ${inline(a.implementation.version)} and ${inline(b.implementation.version)}`,
    ...(gate === undefined
      ? []
      : [
          `${marks[gate.exitCode]} **${inline(gateLine(gate))}**`,
          gate.reasons.map((reason) => `- ${inline(reason)}`).join('\n'),
        ]),
    `- A: ${inline(sideText(a))}\n- B: ${inline(sideText(b))}`,
    `> ${inline(relationText(comparison))}`,
    ...conformance(comparison),
    ...(metrics.length === 0
      ? []
      : [
          '### Numbers, beside each other',
          table(metricHead, [':--', '--:', '--:', '--:', '--:'], metrics.map(metricCells)),
        ]),
    ...sessions.map((session) =>
      [
        `**${inline(sessionText(session))}**`,
        session.sentences.map((sentence) => `- ${inline(sentence)}`).join('\n'),
      ].join('\n\n'),
    ),
    ...(differences.length === 0
      ? []
      : [
          details(
            `What differs around them (${differences.length})`,
            table(
              ['', 'A', 'B'],
              [':--', ':--', ':--'],
              differences.map(({ what, a: one, b: other }) => [what, one, other]),
            ),
          ),
        ]),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

const marks: Readonly<Record<ComparisonGate['exitCode'], string>> = {
  0: '✅',
  1: '❌',
  2: '⚠️',
  3: '❔',
  4: '❌',
}

function conformance({ conformance: rows }: Comparison): readonly string[] {
  if (rows === undefined) return []
  const { a, b, changes, unchanged } = rows
  const head = ['### Conformance', `- A: ${inline(countText(a))}\n- B: ${inline(countText(b))}`]
  if (a === undefined || b === undefined) return head
  return [
    ...head,
    `${counted(unchanged, 'row')} the same, ${counted(changes.length, 'row')} not.`,
    ...changeGroups(changes).flatMap(({ title, count, rows: own, brief }) => [
      `#### ${inline(title)} (${count})`,
      ...own.map(rowText),
      brief.map(({ text, ids }) => `- ${inline(text)}: ${ids.map(inline).join(', ')}`).join('\n'),
    ]),
  ]
}

function rowText(row: RowChange): string {
  const facts = changeFacts(row).map(([name, text]) => `${name}: ${text.slice(0, maxFact)}`)
  const head = `**${inline(row.id)}** (${row.level}) ${inline(statusText(row))}: ${inline(row.title)}`
  return facts.length === 0 ? head : `${head}\n\n${fenced(facts.join('\n'))}`
}

/** why: GitHub shows Markdown inside of details only after an empty line */
function details(summary: string, inside: string): string {
  return `<details><summary>${summary}</summary>\n\n${inside}\n\n</details>`
}
