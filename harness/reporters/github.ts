import type { ConformanceResult } from '../model/conformance.ts'
import type { GateResult } from '../model/gate.ts'
import type { Reporter } from '../model/reporter.ts'
import type { RunResult } from '../model/run-result.ts'
import { isStale, outcomeOf, troubles, whyText } from './conformance.ts'
import { baselineName } from './gate.ts'
import { shortened, visible } from './text.ts'
import { isAnswered, subjectName } from './verdict.ts'

/** GitHub shows this many of either kind per step and drops the others without a word. */
const mostShown = 10

const maxTitle = 200
const maxText = 2_000

/**
 * Annotations as workflow commands of GitHub Actions: what fails the run as errors, what leaves it without a verdict or
 * is a SHOULD as warnings. They name no file: in the repository that is judged there is no line to blame.
 */
export const github: Reporter = {
  id: 'github',
  extension: '.txt',
  render: (results) => {
    const all = results.flatMap(annotations)
    const lines = (['error', 'warning'] as const).flatMap((kind) =>
      atMost(
        kind,
        all.filter((one) => one.kind === kind),
      ),
    )
    return lines.map((line) => `${line}\n`).join('')
  },
}

interface Annotation {
  readonly kind: 'error' | 'warning'
  readonly title: string
  readonly text: string
}

function atMost(kind: Annotation['kind'], all: readonly Annotation[]): readonly string[] {
  if (all.length <= mostShown) return all.map(command)
  const rest = all.slice(mostShown - 1)
  const titles = rest.map(({ title }) => title.split(':')[0] ?? title)
  return [
    ...all.slice(0, mostShown - 1).map(command),
    command({
      kind,
      title: `${rest.length} more, in the job's summary`,
      text: shortened(titles.join(', '), maxText),
    }),
  ]
}

function annotations(result: RunResult): readonly Annotation[] {
  const subject = subjectName(result)
  return [
    ...(result.partial
      ? [
          {
            kind: 'warning' as const,
            title: `${subject}: partial`,
            text: 'the run was interrupted',
          },
        ]
      : []),
    ...steps(result),
    ...(result.conformance === undefined ? [] : rows(result.conformance)),
    ...questions(result),
    ...experiments(result),
    ...(result.gate === undefined ? [] : metrics(result.gate)),
    ...result.problems.map((text) => ({
      kind: 'warning' as const,
      title: 'problem of the harness',
      text,
    })),
  ]
}

function steps({ walkthrough }: RunResult): readonly Annotation[] {
  return (walkthrough?.steps ?? []).flatMap(({ status, id, title, expected, seen, reason }) =>
    status === 'failed' || status === 'inconclusive'
      ? [
          {
            kind: status === 'failed' ? ('error' as const) : ('warning' as const),
            title: `${id}: ${title} (${status})`,
            text: facts([
              ['', reason],
              ['expected', expected],
              ['seen', seen],
            ]),
          },
        ]
      : [],
  )
}

function rows({ tests }: ConformanceResult): readonly Annotation[] {
  return troubles(tests).flatMap((test) => {
    const outcome = outcomeOf(test)
    const isShould =
      test.level === 'SHOULD' && ['failed', 'flaky'].includes(test.status) && !isStale(test)
    if (outcome !== 'failure' && outcome !== 'error' && !isShould) return []
    return [
      {
        kind: outcome === 'failure' ? ('error' as const) : ('warning' as const),
        title: `${test.id}: ${test.title}`,
        text: facts([
          ['', whyText(test)],
          ['expected', test.expected],
          ['observed', test.observed],
          ['reproduce', test.reproduce],
        ]),
      },
    ]
  })
}

function questions({ bench }: RunResult): readonly Annotation[] {
  return (bench?.questions ?? [])
    .filter((question) => !isAnswered(question))
    .map(({ id, title, arms }) => {
      const reasons = new Set(
        arms.flatMap(({ trials }) => trials.flatMap(({ invalid }) => invalid)),
      )
      return {
        kind: 'error',
        title: `${id}: no valid trial`,
        text: facts([
          ['', title],
          ['reasons', [...reasons].join('; ')],
        ]),
      }
    })
}

function experiments({ bench }: RunResult): readonly Annotation[] {
  return (bench?.experiments ?? [])
    .filter(({ status }) => status === 'unanswered')
    .map(({ id, title, reason, answer }) => ({
      kind: 'error',
      title: `${id}: no answer`,
      text: facts([
        ['', title],
        ['reason', reason ?? answer],
      ]),
    }))
}

function metrics(gate: GateResult): readonly Annotation[] {
  const against = `against ${baselineName(gate)}`
  if (gate.verdict === 'invalid')
    return [
      {
        kind: 'error',
        title: `performance ${against}: the session is not valid`,
        text: gate.reasons.join('\n'),
      },
    ]
  return gate.metrics
    .filter(({ isGated }) => isGated)
    .flatMap(({ id, verdict, sentence }): readonly Annotation[] =>
      verdict === 'regressed' || verdict === 'invalid'
        ? [{ kind: 'error' as const, title: `${id}: worse ${against}`, text: sentence }]
        : verdict === 'inconclusive'
          ? [{ kind: 'warning' as const, title: `${id}: undecided ${against}`, text: sentence }]
          : [],
    )
}

/** `expected: NOERROR`, a line each. */
function facts(all: readonly (readonly [string, string | undefined])[]): string {
  return all
    .filter(([, text]) => text !== undefined && text !== '')
    .map(([name, text]) => (name === '' ? text : `${name}: ${text ?? ''}`))
    .join('\n')
}

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions: what would end the line is escaped. */
function command({ kind, title, text }: Annotation): string {
  const property = escaped(shortened(title, maxTitle)).replaceAll(':', '%3A').replaceAll(',', '%2C')
  return `::${kind} title=${property}::${escaped(shortened(text, maxText))}`
}

function escaped(text: string): string {
  return visible(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}
