import { z } from 'zod'
import type { RunResult } from '../model/run-result.ts'
import type { Same } from './same.ts'
import { benchSchema } from './schema-bench.ts'
import { conformanceSchema } from './schema-conformance.ts'
import { gateSchema } from './schema-gate.ts'
import { implementation } from './schema-implementation.ts'
import { apiVersion, kind, schemaVersion } from './version.ts'

export { schemaVersion }

const amount = z.number().nonnegative()
const text = z.string()

const suite = z.strictObject({
  name: z.literal('meshmark'),
  version: text.min(1),
  commit: z.exactOptional(
    text
      .regex(/^[0-9a-f]{7,64}$/)
      .describe('Git commit of the suite, where it ran from a checkout.'),
  ),
  dirty: z.exactOptional(z.boolean().describe('The checkout had changes beside that commit.')),
  seed: z.int().nonnegative().max(0xffff_ffff),
  argv: z.array(text).describe('Arguments that repeat this run.'),
})

const environment = z.strictObject({
  os: text,
  kernel: text,
  arch: text,
  cpuModel: text,
  cpus: z.int().positive(),
  memoryMib: amount,
  governor: z.exactOptional(text),
  clocksource: z.exactOptional(text),
  virtualization: z.exactOptional(text),
  loadAverageAtStart: z.array(amount).describe('Over 1, 5 and 15 minutes.'),
  tools: z.record(text, text).describe('Versions of the programs that took part.'),
})

const cluster = z.strictObject({
  provider: text.min(1),
  nodes: z.array(z.strictObject({ name: text.min(1), role: text, address: text, lan: text })),
  readyMs: amount,
  targetReadyMs: z.exactOptional(amount),
  description: z.record(text, text),
})

const step = z.strictObject({
  id: text.min(1),
  title: text.min(1),
  command: z.exactOptional(text.describe('What a person would type.')),
  status: z.enum(['passed', 'failed', 'skipped', 'inconclusive']),
  expected: z.exactOptional(text),
  seen: z.exactOptional(text),
  reason: z.exactOptional(text.describe('Why it was skipped or inconclusive.')),
  durationMs: amount,
})

const walkthrough = z.strictObject({
  scenario: text.min(1),
  title: text.min(1),
  sourceUrl: z.exactOptional(text),
  steps: z.array(step),
})

const schema = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal(kind),
    schemaVersion: text.regex(/^\d+\.\d+\.\d+$/).describe('Semver of this format.'),
    runId: text.min(1),
    startedAt: z.iso.datetime().describe('RFC 3339, UTC.'),
    durationMs: amount,
    partial: z.boolean().describe('Interrupted: may be read, never compared.'),
    suite,
    implementation,
    environment,
    cluster,
    walkthrough: z.exactOptional(walkthrough),
    conformance: z.exactOptional(conformanceSchema),
    bench: z.exactOptional(benchSchema),
    gate: z.exactOptional(gateSchema),
    problems: z.array(text).describe('Trouble of the harness itself.'),
    conclusion: z
      .enum(['passed', 'failed', 'invalid', 'inconclusive'])
      .describe('Exit code 0, 1, 2, 3.'),
  })
  .describe('Everything one run of meshmark found, and the only source of every report.')

/** Accepts exactly what a `result.json` of this schema version may hold; unknown fields are errors. */
export const runResultSchema: z.ZodType<RunResult> = schema

true satisfies Same<z.infer<typeof schema>, RunResult>
