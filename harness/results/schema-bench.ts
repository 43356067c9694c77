import { z } from 'zod'
import type { BenchResult, BenchTrial } from '../model/run-result.ts'
import type { Same } from './same.ts'

const amount = z.number().nonnegative()
const microseconds = amount.describe('Microseconds.')
const text = z.string()
const share = z.number().min(0).max(1)

const trialSchema = z
  .strictObject({
    pair: z.int().nonnegative(),
    startedAt: z.iso.datetime(),
    valid: z.boolean(),
    invalid: z.array(text).describe('Why it is not valid; empty for a valid trial.'),
    value: z.exactOptional(
      z.number().describe("The question's metric; absent for an invalid trial."),
    ),
    count: z.int().nonnegative().describe('Completed requests.'),
    failures: z.record(text, z.int().nonnegative()),
    achievedRps: amount,
    p50Us: z.exactOptional(microseconds),
    p90Us: z.exactOptional(microseconds),
    p99Us: z.exactOptional(microseconds),
    p999Us: z.exactOptional(microseconds),
    lagP99Us: z.exactOptional(microseconds),
    targetCpuUsPerRequest: z.exactOptional(microseconds),
    generatorUtilization: amount,
    histogram: z.exactOptional(
      text
        .regex(/^[A-Za-z0-9+/]*={0,2}$/)
        .describe('HdrHistogram V2, compressed, base64, integer microseconds.'),
    ),
  })
  .refine((one) => one.valid === (one.invalid.length === 0), {
    path: ['invalid'],
    error: 'a trial has reasons here exactly when it is not valid',
  })
  .refine((one) => one.valid === (one.value !== undefined), {
    path: ['value'],
    error: 'a trial has a value exactly when it is valid',
  })

/** One trial, with its histogram. */
export const trial: z.ZodType<BenchTrial> = trialSchema

true satisfies Same<z.infer<typeof trialSchema>, BenchTrial>

const arm = z.strictObject({
  id: z.enum(['direct', 'target']),
  label: text.min(1),
  trials: z.array(trial),
  value: z.exactOptional(z.number().describe('Median over the valid trials.')),
})

const effect = z.strictObject({
  metric: text.min(1),
  kind: z.enum(['difference', 'ratio']),
  unit: text,
  estimate: z.number().describe('Hodges-Lehmann.'),
  interval: z.exactOptional(z.tuple([z.number(), z.number()])),
  confidence: z.exactOptional(share),
  pairs: z.array(z.number()),
})

const role = z
  .enum(['gated', 'advisory'])
  .describe('Gated metrics decide where versions are compared; advisory ones are shown.')
const margin = share.describe('A change below this share is of no practical interest.')

const question = z.strictObject({
  id: text.min(1),
  title: text.min(1),
  answer: text,
  means: z.exactOptional(text.min(1).describe('What the answer means for a user.')),
  role: z.exactOptional(role),
  margin: z.exactOptional(margin),
  unit: z.enum(['us', 'req/s', 'us/req', 'ms']),
  better: z.enum(['lower', 'higher']),
  load: text,
  generator: text,
  arms: z.array(arm),
  effect: z.exactOptional(effect),
})

const optionalUs = z.exactOptional(z.number().nonnegative())

const secondOpinion = z
  .strictObject({
    tool: text.describe('Name and version.'),
    asked: text,
    nodes: z.exactOptional(
      z.array(text.min(1)).min(2).describe('That it loaded from, at once; absent for one.'),
    ),
    oursP50Us: optionalUs.describe("Median of the run's own generator for the same request."),
    rateRps: z.number().positive(),
    windowMs: z.number().nonnegative(),
    count: z.int().nonnegative(),
    achievedRps: z.number().nonnegative(),
    failed: z.int().nonnegative(),
    dropped: z.int().nonnegative().describe('Requests that the tool did not even send.'),
    p50Us: optionalUs,
    p90Us: optionalUs,
    p99Us: optionalUs,
    p999Us: optionalUs,
    invalid: z.array(text).describe('Why it must not be used; empty for a valid one.'),
  })
  .describe('What another load generator saw of one of the questions.')

const metric = z.strictObject({
  id: text.min(1),
  title: text.min(1),
  unit: z.enum(['ms', 'us', 'req/s', '%', 'count', 'KiB']),
  better: z.enum(['lower', 'higher']),
  role,
  margin,
  summary: z.enum(['median', 'slope']),
  per: z.exactOptional(z.number().describe('Of a slope: per so many units of size.')),
  count: z.int().nonnegative().describe('Replicates that say something about it.'),
  censored: z
    .int()
    .nonnegative()
    .describe(
      'Of how many only a bound is known: given up waiting for, or below the lowest that was tried.',
    ),
  value: z.exactOptional(z.number()),
  isCensored: z.exactOptional(
    z.boolean().describe('The value is such a bound: the true one is worse.'),
  ),
  interval: z.exactOptional(z.tuple([z.number(), z.number()])),
  confidence: z.exactOptional(share),
  worst: z.exactOptional(z.number()),
})

const replicate = z.strictObject({
  label: text.min(1),
  startedAt: z.iso.datetime(),
  size: z.exactOptional(z.number()),
  values: z.record(text, z.number()).describe("By the metric's id."),
  censored: z.array(text).describe('Metrics whose true value is worse than what stands there.'),
  invalid: z.array(text).describe('Why it is not used; empty for a valid one.'),
  note: z.exactOptional(text),
})

const experiment = z
  .strictObject({
    id: text.min(1),
    title: text.min(1),
    means: text.min(1),
    load: text,
    status: z.enum(['answered', 'skipped', 'unanswered']),
    reason: z.exactOptional(text),
    answer: text,
    metrics: z.array(metric),
    replicates: z.array(replicate),
  })
  .describe('A question whose replicates are events, sizes or searches.')

const bench = z.strictObject({
  questions: z.array(question),
  loadNodes: z.exactOptional(
    z.array(text.min(1)).min(1).describe('Nodes that the load came from, at once.'),
  ),
  order: z
    .array(z.strictObject({ question: text, arm: text, pair: z.int().nonnegative() }))
    .describe('Trials in the order in which they ran.'),
  secondOpinion: z.exactOptional(secondOpinion),
  skipped: z.exactOptional(
    z
      .array(z.strictObject({ id: text.min(1), title: text.min(1), reason: text.min(1) }))
      .describe('Questions that make no sense for this target in this cluster.'),
  ),
  experiments: z.exactOptional(z.array(experiment)),
})

/** The benchmark's part of a result. */
export const benchSchema: z.ZodType<BenchResult> = bench

true satisfies Same<z.infer<typeof bench>, BenchResult>
