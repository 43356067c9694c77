import type {
  ComparedSide,
  Comparison,
  MetricBeside,
  PairedSession,
  Relation,
} from '../model/comparison.ts'
import { machineFingerprint } from '../model/fingerprint.ts'
import type { Describing } from '../model/measured.ts'
import type { Implementation, RunResult } from '../model/run-result.ts'
import { compareRows } from './compare-rows.ts'
import { measuredIn } from './measured.ts'

/** A result, and the file that it was read from. */
export interface NamedResult {
  readonly name: string
  readonly result: RunResult
}

/**
 * Holds two whole results against each other: conformance row by row, numbers beside each other without a judgement,
 * for two sessions differ by more than by what was tested.
 */
export function compareResults(a: NamedResult, b: NamedResult, describe: Describing): Comparison {
  const conformance = compareRows(a.result.conformance, b.result.conformance)
  return {
    a: side(a),
    b: side(b),
    relation: relation(a.result, b.result),
    differences: differences(a.result, b.result),
    ...(conformance !== undefined && { conformance }),
    metrics: beside(a.result, b.result, describe),
    sessions: [
      ...sessions('a', a.result, b.result.implementation),
      ...sessions('b', b.result, a.result.implementation),
    ],
  }
}

function side({ name, result }: NamedResult): ComparedSide {
  return {
    name,
    runId: result.runId,
    startedAt: result.startedAt,
    implementation: result.implementation,
    suiteVersion: suiteText(result),
    provider: result.cluster.provider,
    fingerprint: machineFingerprint(result.environment),
  }
}

function suiteText({ suite: { version, commit, dirty } }: RunResult): string {
  return [version, commit?.slice(0, 12) ?? '', dirty === true ? 'with local changes' : '']
    .filter((part) => part !== '')
    .join(' ')
}

function relation(a: RunResult, b: RunResult): Relation {
  if (a.runId === b.runId) return 'same-run'
  return machineFingerprint(a.environment).id === machineFingerprint(b.environment).id
    ? 'other-session'
    : 'other-machine'
}

function differences(a: RunResult, b: RunResult): Comparison['differences'] {
  const [before, after] = [surroundings(a), surroundings(b)]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((what) => {
    const [one, other] = [before[what] ?? 'none', after[what] ?? 'none']
    return one === other ? [] : [{ what, a: one, b: other }]
  })
}

/** Whatever may change a verdict or a number beside what was tested. */
function surroundings(result: RunResult): Readonly<Record<string, string>> {
  const { environment, cluster, conformance } = result
  return {
    ...machineFingerprint(environment).parts,
    'kernel release': environment.kernel,
    'operating system': environment.os,
    'memory, MiB': String(environment.memoryMib),
    provider: cluster.provider,
    nodes: cluster.nodes.map(({ name, lan }) => `${name} in ${lan}`).join(', '),
    suite: suiteText(result),
    ...(conformance !== undefined && {
      catalogue: `${conformance.catalogue.rows} rows, ${conformance.catalogue.sha256.slice(0, 12)}`,
    }),
    ...Object.fromEntries(
      Object.entries(environment.tools).map(([name, version]) => [`program ${name}`, version]),
    ),
  }
}

function beside(a: RunResult, b: RunResult, describe: Describing): readonly MetricBeside[] {
  const [before, after] = [measuredIn(a, describe), measuredIn(b, describe)]
  const keys = [...new Set([...before, ...after].map(keyOf))]
  return keys.flatMap((key) => {
    const [one, other] = [before, after].map((all) => all.find((each) => keyOf(each) === key))
    const known = other ?? one
    if (known === undefined) return []
    const { id, title, unit, better } = known
    return [
      {
        id,
        title,
        unit,
        better,
        ...(one !== undefined && { a: one }),
        ...(other !== undefined && { b: other }),
      },
    ]
  })
}

/** why: a latency at 500 and one at 1000 requests per second are two numbers, not one that changed */
function keyOf({ id, from, load, unit }: ReturnType<typeof measuredIn>[number]): string {
  return JSON.stringify([id, from, load, unit])
}

function sessions(
  of: PairedSession['side'],
  { gate }: RunResult,
  other: Implementation,
): readonly PairedSession[] {
  if (gate === undefined) return []
  const { implementation, spec } = gate.baseline
  return [
    {
      side: of,
      verdict: gate.verdict,
      baseline: implementation,
      spec,
      isSameProgram: gate.isSameProgram,
      sentences: gate.metrics.filter(({ isGated }) => isGated).map(({ sentence }) => sentence),
      reasons: gate.reasons,
      decides: of === 'b' && isSame(implementation, other),
    },
  ]
}

function isSame(one: Implementation, other: Implementation): boolean {
  return (
    one.target === other.target &&
    one.organization === other.organization &&
    one.project === other.project &&
    one.version === other.version &&
    one.mode === other.mode
  )
}
