import { z } from 'zod'
import type { GateResult, GateRule } from '../model/gate.ts'
import type { Same } from './same.ts'
import { trial } from './schema-bench.ts'
import { implementation } from './schema-implementation.ts'

const text = z.string()
const share = z.number().min(0).max(1)
const ratio = z.number().positive()
const interval = z.tuple([z.number().nonnegative(), z.number().nonnegative()])
const verdict = z.enum(['regressed', 'improved', 'ok', 'inconclusive', 'invalid'])
const better = z.enum(['lower', 'higher'])

export const rule: z.ZodType<GateRule> = z.strictObject({
  looks: z.array(z.strictObject({ pairs: z.int().positive(), share })),
  familyAlpha: share,
  okError: share,
})

const metric = z.strictObject({
  id: text.min(1),
  title: text.min(1),
  unit: z.enum(['us', 'req/s', 'us/req']),
  better,
  isGated: z.boolean().describe('Decides; the others are shown.'),
  margin: z.number().positive().describe('Smallest relative change that matters.'),
  verdict,
  sentence: text.min(1),
  ratio: z.exactOptional(ratio.describe('Candidate over baseline, Hodges-Lehmann.')),
  interval: z.exactOptional(interval),
  confidence: z.exactOptional(share),
  p: share.describe('One-sided exact signed-rank test.'),
  adjustedP: share.describe('The same after Holm.'),
  detectable: z.exactOptional(
    z.number().nonnegative().describe('Relative change found four times of five.'),
  ),
  baseline: z.exactOptional(z.number().describe('Median over the pairs.')),
  candidate: z.exactOptional(z.number().describe('Median over the pairs.')),
  pairs: z.array(ratio),
})

const control = z.strictObject({
  id: text.min(1),
  title: text.min(1),
  verdict: z.enum(['same', 'unclear', 'different']),
  ratio: z.exactOptional(ratio),
  interval: z.exactOptional(interval),
  confidence: z.exactOptional(share),
  pairs: z.int().nonnegative(),
})

const question = z.strictObject({
  id: text.min(1),
  title: text.min(1),
  unit: z.enum(['us', 'req/s']),
  better,
  load: text,
  requeued: z.int().nonnegative(),
  arms: z.array(
    z.strictObject({
      id: z.enum(['baseline', 'candidate', 'control', 'direct-a', 'direct-b']),
      trials: z.array(trial),
    }),
  ),
})

const schema = z.strictObject({
  profile: text.min(1),
  verdict,
  reasons: z.array(text),
  baseline: z.strictObject({
    spec: text.min(1).describe('What `--vs` named.'),
    implementation,
  }),
  isSameProgram: z.boolean(),
  rule,
  metrics: z.array(metric),
  controls: z.array(control),
  questions: z.array(question),
})

/** A candidate against a baseline of the same session. */
export const gateSchema: z.ZodType<GateResult> = schema

true satisfies Same<z.infer<typeof schema>, GateResult>
