import { z } from 'zod'
import type { ConformanceResult } from '../model/conformance.ts'
import type { Same } from './same.ts'
import {
  conformanceConclusion,
  convergenceSchema,
  evidenceKind,
  evidencePath,
  findingSchema,
  knownIssueSchema,
  level,
  missingReason,
  notAutomatedSchema,
  profileName,
  profileSchema,
  sha256,
  sourceSchema,
  statisticSchema,
  testStatus,
} from './schema-conformance-parts.ts'

const text = z.string()
const id = text.min(1)
const ids = z.array(id)
const number = z.int().nonnegative()

const test = z
  .strictObject({
    id,
    title: id,
    level,
    profile: profileName,
    feature: z.exactOptional(id),
    sources: z.array(sourceSchema),
    status: testStatus,
    reason: z.exactOptional(id.describe('Why; always there unless passed.')),
    expected: z.exactOptional(text),
    observed: z.exactOptional(text),
    startedAt: z.iso.datetime(),
    durationMs: z.number().nonnegative(),
    attempts: number,
    findings: z.array(findingSchema),
    convergence: z.exactOptional(convergenceSchema),
    statistic: z.exactOptional(statisticSchema),
    evidence: z.array(z.strictObject({ kind: evidenceKind, path: evidencePath, sha256 })),
    knownIssue: z.exactOptional(knownIssueSchema),
    namespace: z.exactOptional(text),
    seed: number,
    reproduce: id.describe('One shell line that runs just this row again.'),
  })
  .refine((one) => one.status === 'passed' || one.reason !== undefined, missingReason)

const selfTest = z.strictObject({
  mutants: z.array(z.strictObject({ id, title: text, killedBy: ids, survived: ids })),
  withoutMutant: ids.describe('Automated MUST rows that kill no mutant.'),
})

const conformance = z.strictObject({
  catalogue: z.strictObject({ version: id, sha256, rows: number }),
  selection: z.record(text, text).describe('What was chosen to run; empty: everything.'),
  declaredFeatures: ids,
  profiles: z.array(profileSchema),
  tests: z.array(test),
  notAutomated: notAutomatedSchema,
  conclusion: conformanceConclusion,
  selfTest: z.exactOptional(selfTest),
})

/** The conformance suite's part of a result. */
export const conformanceSchema: z.ZodType<ConformanceResult> = conformance

true satisfies Same<z.infer<typeof conformance>, ConformanceResult>
