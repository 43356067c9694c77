import type {
  ConformanceSeries,
  FoundChange,
  History,
  HistoryOf,
  HistorySeries,
} from '../model/history.ts'
import { absent, instant, number, percent, quantity } from './format.ts'
import { censoredText } from './comparison.ts'
import { pText } from './gate.ts'
import { fenced, inline, table } from './markdown-text.ts'
import { counted, visible } from './text.ts'
import { textTable } from './text-table.ts'

/** What trends are worth: said once, before any. */
const note =
  'Each line is one run; its interval tells how the trials of that run scatter, not how runs do. Numbers of other machines, loads and settings are series of their own. Change points (E-divisive, Matteson and James 2014, in series of 8 runs or more) are advisory: about one series in twenty shows one by chance, and a step says nothing of its cause. Nothing here gates; meshmark bench --vs does.'

const nothing = 'No result holds numbers of a benchmark or a conformance result.'

/** Trends for a terminal. */
export function historyText({ series, conformance }: History): string {
  const parts = [
    ...conformance.map((one) =>
      [conformanceTitle(one), indented(textTable([conformanceHead, ...conformanceRows(one)]))].join(
        '\n',
      ),
    ),
    ...(series.length === 0 ? [] : [note]),
    ...series.map((one) =>
      [
        title(one),
        `  ${about(one)}`,
        indented(textTable([head, ...rows(one)], right)),
        ...one.changes.map((change) => `  ${changeText(one, change)}`),
      ].join('\n'),
    ),
  ]
  return visible(parts.length === 0 ? nothing : parts.join('\n\n'))
}

/** Trends for a page. */
export function historyMarkdown({ series, conformance }: History): string {
  const blocks = [
    '## History',
    ...(series.length + conformance.length === 0 ? [nothing] : []),
    ...conformance.flatMap((one) => [
      `### ${inline(conformanceTitle(one))}`,
      table(
        conformanceHead,
        conformanceHead.map(() => ':--'),
        conformanceRows(one),
      ),
    ]),
    ...(series.length === 0 ? [] : [`> ${inline(note)}`]),
    ...series.flatMap((one) => [
      `### ${inline(title(one))}`,
      inline(about(one)),
      table(
        head,
        head.map((_, column) => (right.has(column) ? '--:' : ':--')),
        rows(one),
      ),
      ...(one.changes.length === 0
        ? []
        : [fenced(one.changes.map((change) => changeText(one, change)).join('\n'))]),
    ]),
  ]
  return `${blocks.join('\n\n')}\n`
}

const head: readonly string[] = [
  'version',
  'started',
  'suite',
  'value',
  'interval',
  'trials',
  'run',
]

const right: ReadonlySet<number> = new Set([3, 4, 5])

function rows({ points, unit, better, changes }: HistorySeries): readonly (readonly string[])[] {
  return points.map((point, index) => {
    const { value, interval, confidence, trials } = point
    const isChange = changes.some((change) => change.index === index)
    return [
      `${isChange ? '> ' : ''}${point.version}`,
      instant(point.startedAt),
      point.suiteVersion,
      `${censoredText(better, point.isCensored)}${quantity(value, unit)}`,
      interval === undefined
        ? absent
        : `${number(interval[0])} to ${number(interval[1])} at ${percent(confidence)}`,
      String(trials),
      point.runId,
    ]
  })
}

/** `l7-latency/value: reference, provider local, machine 1f3a…, suite 0.x`. */
function title(one: HistorySeries): string {
  const { metric, from, fingerprint, suiteMajor } = one
  return `${metric}${from === 'gate' ? ', as the candidate of paired sessions' : ''}: ${ofText(one)}, machine ${fingerprint}, suite ${suiteMajor}.x`
}

function about({ title: asked, better, load }: HistorySeries): string {
  return `${asked} (${better} is better; ${load})`
}

function ofText({ project, mode, provider }: HistoryOf): string {
  return `${project}${mode === undefined ? '' : ` (${mode})`}, provider ${provider}`
}

function changeText({ points, unit }: HistorySeries, change: FoundChange): string {
  const { version, runId } = points[change.index] ?? {}
  return `advisory: the level changes at ${version ?? '?'} (${runId ?? '?'}): ${quantity(change.before, unit)} before, ${quantity(change.after, unit)} from then on; p ${pText(change.p)}`
}

const conformanceHead: readonly string[] = [
  'version',
  'started',
  'suite',
  'MUST rows',
  'conclusion',
  'newly failing',
  'newly passing',
]

function conformanceRows({ points }: ConformanceSeries): readonly (readonly string[])[] {
  return points.map((point) => [
    point.version,
    instant(point.startedAt),
    point.suiteVersion,
    `${point.mustPassed} of ${point.mustJudged} passed`,
    point.conclusion,
    point.newlyFailing.length === 0 ? absent : point.newlyFailing.join(', '),
    point.newlyPassing.length === 0 ? absent : point.newlyPassing.join(', '),
  ])
}

function conformanceTitle(one: ConformanceSeries): string {
  return `conformance: ${ofText(one)}, chosen: ${one.selection}; ${counted(one.points.length, 'run')}`
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
