/** The catalogue as people and programs read it: `conform --list`, `--list --json` and `--explain ID`. */
import type { Check } from '../model/check.ts'
import type { Requirement } from '../model/requirement.ts'
import { counted, shortened } from './text.ts'

/** Whether a check judges the row; `later` says why none does, `missing` that it is still to be written. */
type Automation = 'check' | 'later' | 'missing'

/** One line per row, a head and a count; columns as wide as their widest cell. */
export function listTable(requirements: readonly Requirement[], checks: readonly Check[]): string {
  const judged = judgedBy(checks)
  const head = ['ID', 'LEVEL', 'PROFILE', 'FEATURE', 'ENV', 'RUNS', 'JUDGED', 'REQUIREMENT']
  const lines = requirements.map((row) => [
    row.id,
    row.level,
    row.profile,
    row.feature ?? '-',
    row.environment,
    manner(row),
    automation(row, judged),
    shortened(row.sentence, maxSentence),
  ])
  return `${[...aligned([head, ...lines]), '', summary(requirements, judged)].join('\n')}\n`
}

/** A line of the table stays readable; `--explain` has the whole sentence. */
const maxSentence = 100

/** The rows as they are in the catalogue, and for each whether a check judges it. */
export function listJson(requirements: readonly Requirement[], checks: readonly Check[]): string {
  const judged = judgedBy(checks)
  const rows = requirements.map((row) => ({ ...row, judged: automation(row, judged) }))
  return `${JSON.stringify(rows, null, 2)}\n`
}

/** All there is to know of one row: requirement, source, how it is judged, what is kept, how to run it. */
export function explain(requirement: Requirement, check: Check | undefined): string {
  const { id, level, profile, feature, sentence, sources, thresholds, why } = requirement
  const standing =
    feature === undefined ? standings[level] : `only for targets that claim ${feature}`
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ['Requires', wrapped(sentence)],
    ['Source', sources.map(({ ref, url }) => (url === undefined ? ref : `${ref}  ${url}`))],
    ['Bounds', Object.entries(thresholds).map(([name, value]) => `${name} ${value}`)],
    ['Runs', [environments[requirement.environment], ...restrictions(requirement)]],
    ...judging(requirement, check),
    ['Corrected', wrapped(why ?? '')],
    ['Run it', check === undefined ? [] : [`meshmark conform --only ${id}`]],
  ]
  const text = lines
    .filter(([, values]) => values.length > 0)
    .flatMap(([label, values]) =>
      values.map((value, index) => `  ${(index === 0 ? label : '').padEnd(labelWidth)}${value}`),
    )
  return `${[`${id}  ${level} of profile ${profile}, ${standing}`, '', ...text].join('\n')}\n`
}

const labelWidth = 'Not judged'.length + 2
const textWidth = 84

const standings: Readonly<Record<Requirement['level'], string>> = {
  MUST: 'core: it decides the conclusion',
  SHOULD: 'reported, without weight in the conclusion',
  MAY: 'reported, without weight in the conclusion',
}

const environments: Readonly<Record<Requirement['environment'], string>> = {
  N: 'on provider local alone',
  K: 'on a real Kubernetes alone (kind, k3d, kubeconfig)',
  B: 'on every provider',
}

function restrictions({ disruptive, slow }: Requirement): readonly string[] {
  return [
    ...(disruptive ? ['alone, because it would disturb other checks'] : []),
    ...(slow ? ['for longer than 30 s'] : []),
  ]
}

function judging(
  { notAutomated }: Requirement,
  check: Check | undefined,
): readonly (readonly [string, readonly string[]])[] {
  if (check === undefined)
    return [['Not judged', wrapped(notAutomated ?? 'no check is written yet')]]
  const { sends, expects, capabilities = [], fixtures = [] } = check
  return [
    ['Sends', wrapped(sends)],
    ['Expects', wrapped(expects)],
    ['Needs', capabilities.length === 0 ? [] : [`of the cluster: ${capabilities.join(', ')}`]],
    [
      'Looks at',
      fixtures.length === 0 ? [] : [`fixtures ${fixtures.map(({ id }) => id).join(', ')}`],
    ],
    [
      'Keeps',
      wrapped(
        'every comparison, what was expected beside what was seen, for a pass as well; and the packets, transcripts, rulesets, manifests or logs that the check attaches',
      ),
    ],
  ]
}

function judgedBy(checks: readonly Check[]): ReadonlySet<string> {
  return new Set(checks.map(({ requirement }) => requirement))
}

function automation({ id, notAutomated }: Requirement, judged: ReadonlySet<string>): Automation {
  if (judged.has(id)) return 'check'
  return notAutomated === undefined ? 'missing' : 'later'
}

function manner({ disruptive, slow }: Requirement): string {
  return [...(disruptive ? ['alone'] : []), ...(slow ? ['slow'] : [])].join(' ') || '-'
}

function summary(requirements: readonly Requirement[], judged: ReadonlySet<string>): string {
  const of = (wanted: Automation): number =>
    requirements.filter((row) => automation(row, judged) === wanted).length
  const must = requirements.filter(({ level }) => level === 'MUST')
  const core = must.filter(({ feature }) => feature === undefined)
  return (
    `${counted(requirements.length, 'row')}: ${must.length} MUST (${core.length} of them core); ` +
    `${of('check')} with a check, ${of('later')} for later, ${of('missing')} without one`
  )
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] ?? '').length)),
  )
  return rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** Lines of at most {@link textWidth} characters, broken at blanks; none for no text. */
function wrapped(text: string): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > textWidth) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
