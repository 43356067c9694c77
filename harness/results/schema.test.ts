import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import t from 'tap'
import { allRuns, nonConformantRun, passingRun } from '../reporters/fixtures.ts'
import { publishedSchemas } from './json-schema.ts'
import { runResultSchema, schemaVersion } from './schema.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'reports', 'schema')
const published = join(folder, `run-result-${schemaVersion}.json`)

async function validator(): Promise<ValidateFunction> {
  const ajv = new Ajv2020({ allErrors: true, strict: true })
  ajvFormats.default(ajv)
  return ajv.compile(JSON.parse(await readFile(published, 'utf8')) as object)
}

t.test('the published JSON Schemas are those that the reader enforces', async (t) => {
  for (const { file, text } of publishedSchemas)
    t.same(
      JSON.parse(await readFile(join(folder, file), 'utf8')),
      JSON.parse(text),
      `${file}: not so: npm run schema`,
    )
})

t.test('every kind of run is valid for the reader and for any JSON Schema validator', async (t) => {
  const validate = await validator()
  for (const run of allRuns()) {
    const json: unknown = JSON.parse(JSON.stringify(run))
    t.same(runResultSchema.parse(json), json, `${run.runId} is read as it is`)
    t.ok(validate(json), `${run.runId}: ${JSON.stringify(validate.errors)}`)
  }
})

t.test('a row that did not pass says why', (t) => {
  const json = JSON.parse(JSON.stringify(nonConformantRun())) as object
  const row = at(json, 'conformance', 'tests', 2) as { reason?: string }
  delete row.reason
  t.match(runResultSchema.safeParse(json).error?.issues, [
    { path: ['conformance', 'tests', 2, 'reason'], message: 'a row that did not pass says why' },
  ])
  t.end()
})

/** A change that makes a valid result invalid. */
type Spoil = (json: Record<string, never>) => void

const spoils: Readonly<Record<string, Spoil>> = {
  'a field that nobody knows': (json) => Object.assign(json, { note: 'x' }),
  'a field that nobody knows, deep down': (json) =>
    Object.assign(at(json, 'bench', 'questions', 0, 'arms', 1, 'trials', 3), { p75Us: 1 }),
  'a missing field': (json) => {
    delete json['conclusion']
  },
  'a number as text': (json) => Object.assign(json, { durationMs: '12' }),
  'a time that is not UTC': (json) =>
    Object.assign(json, { startedAt: '2025-11-24T03:11:04+01:00' }),
  'a negative count': (json) =>
    Object.assign(at(json, 'bench', 'questions', 0, 'arms', 0, 'trials', 0), { count: -1 }),
  'a seed of more than 32 bits': (json) => Object.assign(at(json, 'suite'), { seed: 2 ** 32 }),
  'an unknown status': (json) =>
    Object.assign(at(json, 'walkthrough', 'steps', 0), { status: 'ok' }),
  'null for an absent field': (json) => Object.assign(json, { bench: null }),
}

function at(json: unknown, ...path: readonly (string | number)[]): object {
  return path.reduce<unknown>(
    (found, key) => (found as Readonly<Record<PropertyKey, unknown>>)[key],
    json,
  ) as object
}

t.test('what one of them refuses the other refuses too', async (t) => {
  const validate = await validator()
  for (const [what, spoil] of Object.entries(spoils)) {
    const json = JSON.parse(JSON.stringify(passingRun())) as Record<string, never>
    spoil(json)
    t.notOk(runResultSchema.safeParse(json).success, `the reader refuses ${what}`)
    t.notOk(validate(json), `a JSON Schema validator refuses ${what}`)
  }
})

t.test('a trial cannot be valid with a reason, nor invalid with a value', (t) => {
  const withReason = JSON.parse(JSON.stringify(passingRun())) as object
  Object.assign(at(withReason, 'bench', 'questions', 0, 'arms', 0, 'trials', 0), { invalid: ['x'] })
  t.match(runResultSchema.safeParse(withReason).error?.issues, [
    { message: 'a trial has reasons here exactly when it is not valid' },
  ])
  const withoutValue = JSON.parse(JSON.stringify(passingRun())) as object
  delete (at(withoutValue, 'bench', 'questions', 0, 'arms', 0, 'trials', 0) as { value?: number })
    .value
  t.match(runResultSchema.safeParse(withoutValue).error?.issues, [
    { message: 'a trial has a value exactly when it is valid' },
  ])
  t.end()
})
