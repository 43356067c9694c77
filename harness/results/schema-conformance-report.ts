import { z } from 'zod'
import type { ConformanceReport } from '../model/conformance-report.ts'
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
import { apiVersion } from './version.ts'

const text = z.string()
const id = text.min(1)
const ids = z.array(id)
const number = z.int().nonnegative()
const amount = z.number().nonnegative()

const suite = z.strictObject({
  name: id,
  version: id,
  commit: z.exactOptional(text.regex(/^[0-9a-f]{7,64}$/)),
  dirty: z.exactOptional(z.boolean()),
  catalogueVersion: id,
  catalogueSha256: sha256,
  seed: number,
  argv: z.array(text),
  selection: z.record(text, text).describe('What was chosen to run; empty: everything.'),
})

const environment = z.strictObject({
  harness: id.describe('Provider of the cluster: local, kind, k3d, kubeconfig.'),
  os: text,
  kernel: text,
  arch: text,
  cpus: number,
  memoryMiB: amount,
  topology: z.strictObject({ nodes: number, lans: number }),
  tools: z.record(text, text),
  loadAverageAtStart: z.array(amount),
})

const test = z
  .strictObject({
    id,
    title: id,
    level,
    profile: profileName,
    feature: z.exactOptional(id),
    source: z.array(sourceSchema),
    status: testStatus,
    reason: z.exactOptional(id.describe('Why; always there unless passed.')),
    expected: z.exactOptional(text),
    observed: z.exactOptional(text),
    startedAt: z.iso.datetime(),
    durationMs: amount,
    attempts: number,
    convergence: z.exactOptional(convergenceSchema),
    checks: z.array(findingSchema),
    statistic: z.exactOptional(statisticSchema),
    evidence: z.exactOptional(
      z.array(z.strictObject({ type: evidenceKind, path: evidencePath, sha256 })),
    ),
    knownIssue: z.exactOptional(knownIssueSchema),
    namespace: z.exactOptional(text),
    seed: number,
    reproduce: id.describe('One shell line that runs just this row again.'),
  })
  .refine((one) => one.status === 'passed' || one.reason !== undefined, missingReason)

const measurement = z.strictObject({
  name: id,
  unit: z.enum(['us', 'ms', 'req/s', 'us/req']),
  path: z.enum(['raw', 'mesh']),
  n: number.describe('Valid trials.'),
  min: z.number(),
  p50: z.number(),
  max: z.number(),
  coordinatedOmission: z.enum(['openLoop', 'closedLoop']),
})

const report = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal('ConformanceReport'),
    schemaVersion: text.regex(/^\d+\.\d+\.\d+$/).describe('Semver of this format.'),
    date: z.iso.datetime().describe('RFC 3339, UTC: start of the run.'),
    runId: id,
    suite,
    implementation: z.strictObject({
      organization: text,
      project: id,
      url: text,
      version: id,
      contact: z.array(text),
    }),
    mode: id.describe('As gateway-api: operating mode of the implementation.'),
    environment,
    declared: z.strictObject({ supportedFeatures: ids }),
    profiles: z.array(profileSchema),
    tests: z.array(test),
    notAutomated: notAutomatedSchema,
    measurements: z.array(measurement),
    selfTest: z.exactOptional(
      z.strictObject({ mutants: number, killed: number, survivors: ids, withoutMutant: ids }),
    ),
    harnessHealth: z.strictObject({ partial: z.boolean(), problems: z.array(text) }),
    conclusion: conformanceConclusion,
    integrity: z
      .strictObject({ testsSha256: sha256 })
      .describe('Over the RFC 8785 form of the object {measurements, tests}.'),
  })
  .describe('What a data plane conforms to, for other programs: derived from a result.')

/** Accepts exactly what a conformance report of this version may hold. */
export const conformanceReportSchema: z.ZodType<ConformanceReport> = report

true satisfies Same<z.infer<typeof report>, ConformanceReport>
