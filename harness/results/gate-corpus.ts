import { z } from 'zod'
import { ResultError } from '../model/errors.ts'
import { machineFingerprint } from '../model/fingerprint.ts'
import type { CorpusComparison, CorpusSession, GateCorpus } from '../model/gate-corpus.ts'
import type { GateArmId, GateQuestion, GateResult, MetricKind } from '../model/gate.ts'
import { completePairs } from '../model/gate-pairs.ts'
import type { RunResult } from '../model/run-result.ts'
import { faultLines } from './faults.ts'
import { json, parseResult, resultText } from './read.ts'
import type { Same } from './same.ts'
import { rule } from './schema-gate.ts'
import { apiVersion } from './version.ts'

const kind = 'GateCorpus'
const corpusVersion = '1.0.0'

/** Metrics that were truly made worse, relative: `{ 'l7-throughput/cpu': 0.1 }`. */
export type Injected = Readonly<Record<string, number>>

/** Margin of the numbers that are not gated. */
const advisoryMargin = 0.05

const notOurs = 'a metric that a session is not asked for'

/**
 * What a session of `bench --vs` saw, as pairs. Families: the gated metrics of candidate over baseline, as the gate
 * judged them; its other metrics; and both once more for the baseline against itself.
 * @param injected - for a candidate that was made worse on purpose; what is not named, and is not of the same question,
 *   did not change. Absent where it is not known what differs; a program against itself differs in nothing.
 * @throws ResultError `invalid` when the result holds no such session
 */
export function corpusSession(result: RunResult, injected?: Injected): CorpusSession {
  const { gate, environment, suite, runId, startedAt } = result
  if (gate === undefined)
    throw new ResultError('invalid', `${runId} holds no session of bench --vs`, {
      hint: 'name the result of `meshmark bench --vs BASELINE`',
    })
  const truth = injected ?? (gate.isSameProgram ? {} : undefined)
  const unknown = Object.keys(truth ?? {}).filter(
    (id) => !gate.metrics.some((metric) => metric.id === id),
  )
  if (unknown.length > 0)
    throw new ResultError('invalid', `${runId}: got ${unknown.join(', ')}, ${notOurs}`, {
      hint: `want some of ${gate.metrics.map(({ id }) => id).join(', ')}`,
    })
  return {
    runId,
    startedAt,
    machine: machineFingerprint(environment),
    loadAverage: environment.loadAverageAtStart,
    suite: {
      version: suite.version,
      ...(suite.commit !== undefined && { commit: suite.commit }),
      seed: suite.seed,
    },
    rule: gate.rule,
    comparisons: gate.questions.flatMap((question) => [
      ...comparisons(gate, question, ['baseline', 'candidate'], truth),
      ...comparisons(gate, question, ['baseline', 'control'], {}),
    ]),
  }
}

function comparisons(
  gate: GateResult,
  question: GateQuestion,
  arms: readonly [GateArmId, GateArmId],
  truth: Injected | undefined,
): readonly CorpusComparison[] {
  const trials = new Map(question.arms.map(({ id, trials: own }) => [id, own]))
  return (['value', 'cpu'] satisfies readonly MetricKind[]).flatMap((kind) => {
    const pairs = completePairs(trials, kind, arms)
    const id = `${question.id}/${kind}`
    const metric = gate.metrics.find((one) => one.id === id)
    // why: a gated one without pairs stays in the family, which was declared beforehand
    if (pairs.length === 0 && metric?.isGated !== true) return []
    const change = arms[1] === 'control' ? 0 : changeOf(question, id, truth)
    const says = arms[1] === 'candidate' && metric?.isGated === true
    return [
      {
        id,
        family: `${metric?.isGated === true ? 'gated' : 'other'}: ${arms[1]} over ${arms[0]}`,
        better: kind === 'cpu' ? 'lower' : question.better,
        margin: metric?.margin ?? advisoryMargin,
        ...(change !== undefined && { injected: change }),
        ...(says && { said: metric.verdict }),
        pairs,
      },
    ]
  })
}

/** The other number of a question that was made worse changed as well, nobody knows by how much. */
function changeOf(
  question: GateQuestion,
  id: string,
  truth: Injected | undefined,
): number | undefined {
  if (truth === undefined) return undefined
  const named = truth[id]
  if (named !== undefined) return named
  return Object.keys(truth).some((other) => other.startsWith(`${question.id}/`)) ? undefined : 0
}

const schema = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal(kind),
  schemaVersion: z.literal(corpusVersion),
  sessions: z.array(
    z.strictObject({
      runId: z.string().min(1),
      startedAt: z.string().min(1),
      machine: z.strictObject({ id: z.string(), parts: z.record(z.string(), z.string()) }),
      loadAverage: z.array(z.number().nonnegative()),
      suite: z.strictObject({
        version: z.string(),
        commit: z.exactOptional(z.string()),
        seed: z.int().nonnegative(),
      }),
      rule,
      comparisons: z.array(
        z.strictObject({
          id: z.string().min(1),
          family: z.string().min(1),
          better: z.enum(['lower', 'higher']),
          margin: z.number().positive(),
          injected: z.exactOptional(z.number().nonnegative()),
          said: z.exactOptional(z.enum(['regressed', 'improved', 'ok', 'inconclusive', 'invalid'])),
          pairs: z.array(
            z.tuple([z.int().nonnegative(), z.number().positive(), z.number().positive()]),
          ),
        }),
      ),
    }),
  ),
})

true satisfies Same<z.infer<typeof schema>, GateCorpus>

/** Sessions as the text of a corpus file, one comparison a line. */
export function corpusText(sessions: readonly CorpusSession[]): string {
  const told = sessions.map((session) => {
    const { comparisons: all, ...rest } = session
    const lines = all.map((one) => `      ${JSON.stringify(one)}`).join(',\n')
    return `    ${JSON.stringify(rest).slice(0, -1)},"comparisons":[\n${lines}\n    ]}`
  })
  const head = JSON.stringify({ apiVersion, kind, schemaVersion: corpusVersion })
  return `${head.slice(0, -1)},"sessions":[\n${told.join(',\n')}\n]}\n`
}

/**
 * Sessions of a corpus file, or the one of a result.json of `bench --vs`.
 * @throws ResultError `unreadable`, `cut-short`, or `invalid` with every fault named
 */
export async function readSessions(path: string): Promise<readonly CorpusSession[]> {
  const text = await resultText(path)
  const value = json(text, path)
  const { kind: given } = (value ?? {}) as { readonly kind?: unknown }
  return given === kind
    ? parseCorpus(value, path).sessions
    : [corpusSession(parseResult(text, path))]
}

function parseCorpus(value: unknown, name: string): GateCorpus {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  throw new ResultError(
    'invalid',
    [`${name} is not a valid corpus of schema ${corpusVersion}:`, ...faultLines(value, error)].join(
      '\n  ',
    ),
    { hint: 'the file was edited or damaged: use an unchanged one' },
  )
}
