import { z } from 'zod'
import type { ConformanceResult } from '../model/conformance.ts'
import type { Same } from './same.ts'

const text = z.string()
const id = text.min(1)
const ids = z.array(id)
const amount = z.number().nonnegative()
const share = z.number().min(0).max(1)
const sha256 = text.regex(/^[0-9a-f]{64}$/)

const profileName = z.enum(['DNS', 'L4', 'L7', 'LB', 'EDGE', 'GATEWAY', 'SECURITY', 'ROBUSTNESS'])

const status = z.enum([
  'passed',
  'failed',
  'skipped',
  'notSupported',
  'error',
  'flaky',
  'knownIssue',
])

const number = z.int().nonnegative()

const statusFields = {
  result: z.enum(['success', 'partial', 'failure']),
  statistics: z.strictObject({
    passed: number,
    failed: number,
    skipped: number,
    notSupported: number,
    error: number,
    flaky: number,
    knownIssue: number,
  }),
  skippedTests: z.exactOptional(ids),
  failedTests: z.exactOptional(ids),
}

const profile = z.strictObject({
  name: profileName,
  summary: text,
  core: z.strictObject(statusFields).describe('MUST rows without a feature.'),
  extended: z.exactOptional(
    z
      .strictObject({
        ...statusFields,
        supportedFeatures: ids,
        unsupportedFeatures: ids,
        undeclaredPassed: z.exactOptional(
          ids.describe('Rows that passed although their feature is not claimed.'),
        ),
      })
      .describe('Rows that name a feature.'),
  ),
  recommended: z.exactOptional(
    z
      .strictObject(statusFields)
      .describe('SHOULD and MAY rows without a feature; they never change the conclusion.'),
  ),
})

const finding = z.strictObject({
  name: text,
  kind: z.enum(['equal', 'set', 'bound', 'statistic', 'event']),
  expected: z.unknown(),
  observed: z.unknown(),
  ok: z.boolean(),
})

const statistic = z.strictObject({
  test: z.enum(['chi2', 'g', 'binomial', 'runs']),
  n: number,
  statistic: z.number(),
  p: share,
  alpha: share,
  adjustedP: share.describe('After Holm over all statistics of the run.'),
})

const test = z
  .strictObject({
    id,
    title: text.min(1),
    level: z.enum(['MUST', 'SHOULD', 'MAY']),
    profile: profileName,
    feature: z.exactOptional(id),
    sources: z.array(z.strictObject({ ref: id, url: z.exactOptional(text) })),
    status,
    reason: z.exactOptional(text.min(1).describe('Why; always there unless passed.')),
    expected: z.exactOptional(text),
    observed: z.exactOptional(text),
    startedAt: z.iso.datetime(),
    durationMs: amount,
    attempts: number,
    findings: z.array(finding),
    convergence: z.exactOptional(z.strictObject({ thresholdMs: amount, observedMs: amount })),
    statistic: z.exactOptional(statistic),
    evidence: z.array(
      z.strictObject({
        kind: z.enum(['packets', 'transcript', 'ruleset', 'manifest', 'log']),
        path: text.min(1).describe('Relative to the folder of the result.'),
        sha256,
      }),
    ),
    knownIssue: z.exactOptional(
      z.strictObject({
        url: id,
        expires: z.iso.date().describe('Last day on which it is believed, UTC.'),
      }),
    ),
    namespace: z.exactOptional(text),
    seed: number,
    reproduce: text.min(1).describe('One shell line that runs just this row again.'),
  })
  .refine((one) => one.status === 'passed' || one.reason !== undefined, {
    path: ['reason'],
    error: 'a row that did not pass says why',
  })

const selfTest = z.strictObject({
  mutants: z.array(z.strictObject({ id, title: text, killedBy: ids, survived: ids })),
  withoutMutant: ids.describe('Automated MUST rows that kill no mutant.'),
})

const conformance = z.strictObject({
  catalogue: z.strictObject({ version: id, sha256, rows: number }),
  selection: z.record(text, text).describe('What was chosen to run; empty: everything.'),
  declaredFeatures: ids,
  profiles: z.array(profile),
  tests: z.array(test),
  notAutomated: z
    .array(z.strictObject({ id, reason: text.min(1) }))
    .describe('Rows of the catalogue that no check judges.'),
  conclusion: z.enum(['conformant', 'partial', 'nonConformant', 'inconclusive']),
  selfTest: z.exactOptional(selfTest),
})

/** The conformance suite's part of a result. */
export const conformanceSchema: z.ZodType<ConformanceResult> = conformance

true satisfies Same<z.infer<typeof conformance>, ConformanceResult>
