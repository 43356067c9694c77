import { z } from 'zod'
import type {
  ConformanceConclusion,
  EvidenceFile,
  KnownIssue,
  ProfileReport,
  TestResult,
  TestStatus,
} from '../model/conformance.ts'
import type { Level, Profile, Source } from '../model/requirement.ts'
import type { Same } from './same.ts'

// What a result and a conformance report have in common.

const text = z.string()
const id = text.min(1)
const ids = z.array(id)
const amount = z.number().nonnegative()
const share = z.number().min(0).max(1)
const number = z.int().nonnegative()

export const sha256: z.ZodType<string> = text.regex(/^[0-9a-f]{64}$/)

export const level: z.ZodType<Level> = z.enum(['MUST', 'SHOULD', 'MAY'])

export const profileName: z.ZodType<Profile> = z.enum([
  'DNS',
  'L4',
  'L7',
  'LB',
  'EDGE',
  'GATEWAY',
  'SECURITY',
  'ROBUSTNESS',
])

export const testStatus: z.ZodType<TestStatus> = z.enum([
  'passed',
  'failed',
  'skipped',
  'notSupported',
  'error',
  'flaky',
  'knownIssue',
])

export const conformanceConclusion: z.ZodType<ConformanceConclusion> = z.enum([
  'conformant',
  'partial',
  'nonConformant',
  'inconclusive',
])

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

/** An item of gateway-api's `profiles`. */
export const profileSchema: z.ZodType<ProfileReport> = profile

true satisfies Same<z.infer<typeof profile>, ProfileReport>

const finding = z.strictObject({
  name: text,
  kind: z.enum(['equal', 'set', 'bound', 'statistic', 'event']),
  expected: z.unknown(),
  observed: z.unknown(),
  ok: z.boolean(),
})

export const findingSchema: z.ZodType<TestResult['findings'][number]> = finding

true satisfies Same<z.infer<typeof finding>, TestResult['findings'][number]>

const statistic = z.strictObject({
  test: z.enum(['chi2', 'g', 'binomial', 'runs']),
  n: number,
  statistic: z.number(),
  p: share,
  alpha: share,
  adjustedP: share.describe('After Holm over all statistics of the run.'),
})

export const statisticSchema: z.ZodType<NonNullable<TestResult['statistic']>> = statistic

true satisfies Same<z.infer<typeof statistic>, NonNullable<TestResult['statistic']>>

const convergence = z.strictObject({ thresholdMs: amount, observedMs: amount })

export const convergenceSchema: z.ZodType<NonNullable<TestResult['convergence']>> = convergence

true satisfies Same<z.infer<typeof convergence>, NonNullable<TestResult['convergence']>>

export const sourceSchema: z.ZodType<Source> = z.strictObject({
  ref: id,
  url: z.exactOptional(text),
})

export const evidenceKind: z.ZodType<EvidenceFile['kind']> = z.enum([
  'packets',
  'transcript',
  'ruleset',
  'manifest',
  'log',
])

export const evidencePath: z.ZodType<string> = id.describe('Relative to the folder of the result.')

export const knownIssueSchema: z.ZodType<KnownIssue> = z.strictObject({
  url: id,
  expires: z.iso.date().describe('Last day on which it is believed, UTC.'),
})

export const notAutomatedSchema: z.ZodType<
  readonly { readonly id: string; readonly reason: string }[]
> = z
  .array(z.strictObject({ id, reason: id }))
  .describe('Rows of the catalogue that no check judges.')

/** For a row that did not pass and does not say why. */
export const missingReason: { readonly path: string[]; readonly error: string } = {
  path: ['reason'],
  error: 'a row that did not pass says why',
}
