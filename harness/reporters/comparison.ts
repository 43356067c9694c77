import type {
  ComparedSide,
  Comparison,
  ComparisonGate,
  ConformanceCount,
  MetricBeside,
  PairedSession,
  RowChange,
  RowChangeKind,
} from '../model/comparison.ts'
import type { Measured } from '../model/measured.ts'
import { absent, effectText, instant, intervalText, number, percent, quantity } from './format.ts'
import { gateWords } from './gate.ts'
import { counted } from './text.ts'

/** A comparison in words, for text and Markdown alike. */

export function sideText({ implementation, ...side }: ComparedSide): string {
  const { project, version, mode } = implementation
  return [
    `${project} ${version}${mode === undefined ? '' : ` (${mode})`}`,
    instant(side.startedAt),
    `provider ${side.provider}`,
    `suite ${side.suiteVersion}`,
    `machine ${side.fingerprint.id}`,
    `run ${side.runId}`,
  ].join(', ')
}

/** What may be said of their numbers, before any is shown. */
export function relationText({ relation, a, b, metrics, sessions }: Comparison): string {
  const where = {
    'same-run': 'A and B are the same run.',
    'other-session': `A and B ran in two sessions, on machines that look alike (fingerprint ${a.fingerprint.id}).`,
    'other-machine': `A and B ran on different machines (fingerprints ${a.fingerprint.id} and ${b.fingerprint.id}).`,
  }[relation]
  if (relation === 'same-run' || (metrics.length === 0 && sessions.length === 0)) return where
  return `${where} Numbers of two sessions stand beside each other for the record and decide nothing: what differs may be the machine, the hour or the target. To know, measure both in one session: meshmark bench --vs BASELINE.`
}

/** `nonConformant: 40 of 43 MUST rows passed; --fast`. */
export function countText(count: ConformanceCount | undefined): string {
  if (count === undefined) return 'no conformance result'
  const { conclusion, rows, mustPassed, mustJudged, selection } = count
  return `${conclusion}: ${mustPassed} of ${counted(mustJudged, 'MUST row')} passed, ${counted(rows, 'row')} in all; chosen: ${selection}`
}

export const changeTitles: Readonly<Record<RowChangeKind, string>> = {
  'newly-failing': 'newly failing',
  'not-judged': 'no verdict any more',
  otherwise: 'failing in another way',
  new: 'new',
  'newly-judged': 'judged now, not before',
  'newly-passing': 'newly passing',
  vanished: 'vanished',
  retired: 'no longer in the catalogue',
}

/** Rows that a reader wants one by one, and rows that a line of ids tells enough of. */
export interface ChangeGroup {
  readonly title: string
  readonly count: number
  readonly rows: readonly RowChange[]
  readonly brief: readonly { readonly text: string; readonly ids: readonly string[] }[]
}

const bad: readonly (RowChange['b'] | undefined)[] = ['failed', 'flaky', 'knownIssue']

/** The worst first. */
export function changeGroups(changes: readonly RowChange[]): readonly ChangeGroup[] {
  return (Object.keys(changeTitles) as readonly RowChangeKind[]).flatMap((kind) => {
    const own = changes.filter((change) => change.kind === kind)
    if (own.length === 0) return []
    const rows = own.filter(
      ({ b }) => kind === 'newly-failing' || kind === 'otherwise' || bad.includes(b),
    )
    const rest = own.filter((change) => !rows.includes(change))
    const texts = [...new Set(rest.map(briefText))]
    return [
      {
        title: changeTitles[kind],
        count: own.length,
        rows,
        brief: texts.map((text) => ({
          text,
          ids: rest.filter((change) => briefText(change) === text).map(({ id }) => id),
        })),
      },
    ]
  })
}

function briefText({ kind, a, b, reason }: RowChange): string {
  const [was, is] = [a ?? absent, b ?? absent]
  const statuses =
    kind === 'new' ? is : kind === 'vanished' || kind === 'retired' ? was : `${was}, now ${is}`
  return reason === undefined ? statuses : `${statuses}; ${reason}`
}

/** `passed in A, failed in B`. */
export function statusText({ a, b }: RowChange): string {
  return [
    a === undefined ? 'not in A' : `${a} in A`,
    b === undefined ? 'not in B' : `${b} in B`,
  ].join(', ')
}

/** What one wants to know of a row that fails, name and text. */
export function changeFacts(row: RowChange): readonly (readonly [string, string])[] {
  return (
    [
      ['reason', row.reason],
      ['expected', row.expected],
      ['observed', row.observed],
      ['reproduce', row.reproduce],
    ] as const
  ).flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]))
}

/** `412 µs (398 to 431 at 96.9 %, 6 trials)`. */
export function measuredText(found: Measured | undefined): string {
  if (found === undefined) return 'not measured'
  const { value, unit, better, isCensored, interval, confidence, trials } = found
  const range =
    interval === undefined
      ? ''
      : `${number(interval[0])} to ${number(interval[1])} at ${percent(confidence)}, `
  return `${censoredText(better, isCensored)}${quantity(value, unit)} (${range}${counted(trials, found.from === 'experiment' ? 'replicate' : 'trial')})`
}

/** `+118 µs against direct (+95 to +140 µs)`; nothing where there is no direct arm. */
export function measuredEffect(found: Measured | undefined): string {
  const effect = found?.effect
  if (effect === undefined) return absent
  return `${effectText(effect.estimate, effect)} (${intervalText(effect)})`
}

/** `over ` before a time that was given up waiting for, `under ` before a rate. */
export function censoredText(better: 'lower' | 'higher', isCensored: boolean = false): string {
  if (!isCensored) return ''
  return better === 'lower' ? 'over ' : 'under '
}

export const metricHead: readonly string[] = [
  'metric',
  'A',
  'B',
  'A against direct',
  'B against direct',
]

/** A metric as a row under `metricHead`. */
export function metricCells({ id, a, b }: MetricBeside): readonly string[] {
  const from = (b ?? a)?.from === 'gate' ? ' (candidate of a paired session)' : ''
  return [`${id}${from}`, measuredText(a), measuredText(b), measuredEffect(a), measuredEffect(b)]
}

/** What a session with pairs that a file holds says, and whether it is about A and B. */
export function sessionText(session: PairedSession): string {
  const { side, spec, baseline, verdict, isSameProgram, decides } = session
  const name = side.toUpperCase()
  const subject = `${name} was measured in pairs with ${spec} (${baseline.project} ${baseline.version}) in one session: ${gateWords[verdict]}`
  return `${subject}${isSameProgram ? '; both were the same program, so what differs is noise' : ''}${
    decides
      ? ''
      : '. That baseline is not what A tested, or the session is of A: it says nothing of B against A'
  }.`
}

/** The last line of a gate. */
export function gateLine({ exitCode, reasons }: ComparisonGate): string {
  const word = {
    0: 'passed: nothing that can be gated got worse',
    1: 'failed: got worse',
    2: 'not valid',
    3: 'no verdict',
    4: 'a SHOULD got worse (--strict)',
  }[exitCode]
  return `gate ${word} (exit code ${exitCode})${reasons.length === 0 ? '' : ':'}`
}
