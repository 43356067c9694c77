import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { ResultError } from '../model/errors.ts'
import { allRuns, passingRun } from '../reporters/fixtures.ts'
import { parseResult, readResult } from './read.ts'

const whole = JSON.stringify(passingRun(), null, 2)

function refusal(text: string): ResultError {
  try {
    parseResult(text, 'r.json')
  } catch (error) {
    if (error instanceof ResultError) return error
    throw error
  }
  throw new Error('it was accepted')
}

function changed(change: (json: Record<string, unknown>) => unknown): string {
  const json = JSON.parse(whole) as Record<string, unknown>
  return JSON.stringify(change(json) ?? json)
}

t.test('reads back what a run is, with or without a byte order mark', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-read-'))
  t.teardown(() => rm(directory, { recursive: true }))
  for (const run of allRuns()) {
    const path = join(directory, `${run.runId}.json`)
    await writeFile(path, `\uFEFF${JSON.stringify(run)}`)
    t.same(await readResult(path), run)
  }
})

t.test('a file that is not there is named with the cure', async (t) => {
  await t.rejects(readResult('/nonexistent/result.json'), {
    code: 'unreadable',
    message: /^\/nonexistent\/result\.json cannot be read: ENOENT/,
    hint: /name a result\.json/,
  })
})

t.test('wherever a file was cut, it says so', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
      const error = refusal(whole.slice(0, length))
      return error.code === 'cut-short' && error.message.includes(`after ${length} characters`)
    }),
    { seed: 7, numRuns: 120 },
  )
  t.match(refusal(whole.slice(0, 5000)), {
    code: 'cut-short',
    message: 'r.json stops after 5000 characters: it was cut short',
    hint: /copy it again/,
  })
  t.end()
})

t.test('text that is no JSON at all is told from JSON that was cut', (t) => {
  t.match(refusal('<!doctype html>'), { code: 'unreadable', message: 'r.json is not JSON' })
  t.match(refusal('{"a": nope}'), { code: 'unreadable' })
  t.match(refusal(`${whole}}`), { code: 'unreadable' })
  t.end()
})

t.test('JSON of somebody else is not ours', (t) => {
  t.match(refusal('{"kind":"Pod","apiVersion":"v1"}'), {
    code: 'invalid',
    message:
      'r.json is not a result of meshmark: got {kind, apiVersion} with apiVersion "v1" and kind "Pod", ' +
      'want "meshmark.dev/v1alpha1" and "RunResult"',
  })
  t.match(refusal('[]'), { code: 'invalid', message: /got a list of 0 with apiVersion nothing/ })
  t.match(refusal('null'), { code: 'invalid', message: /got null/ })
  t.end()
})

t.test('a newer major or minor is refused with the versions, a newer patch is read', (t) => {
  for (const schemaVersion of ['2.0.0', '1.4.0', '1.99.3'])
    t.match(refusal(changed((json) => ({ ...json, schemaVersion }))), {
      code: 'newer-schema',
      message: `r.json has schema "${schemaVersion}"; this meshmark reads up to 1.3`,
      hint: /update meshmark/,
    })
  const patched = parseResult(
    changed((json) => ({ ...json, schemaVersion: '1.1.9' })),
    'r.json',
  )
  t.equal(patched.schemaVersion, '1.3.0', 'it is the reader’s schema from now on')
  t.end()
})

t.test('a result of schema 1.0 is read as one without conformance', (t) => {
  const { conformance, ...older } = passingRun()
  t.ok(conformance === undefined)
  const read = parseResult(JSON.stringify({ ...older, schemaVersion: '1.0.0' }), 'r.json')
  t.same(read, { ...older, schemaVersion: '1.3.0' })
  t.end()
})

t.test('an older schema without a migration, and no version at all, are refused', (t) => {
  t.match(refusal(changed((json) => ({ ...json, schemaVersion: '0.3.0' }))), {
    code: 'invalid',
    message: /"0\.3\.0", from which no migration leads to 1\.3\.0/,
  })
  for (const schemaVersion of [undefined, 1, 'one', '1.0'])
    t.match(refusal(changed((json) => ({ ...json, schemaVersion }))), {
      code: 'invalid',
      message: /schemaVersion: got .*, want semver such as 1\.3\.0/,
    })
  t.end()
})

t.test('every wrong field is named with its value and the rule, at once', (t) => {
  const error = refusal(
    changed((json) => {
      const bench = json['bench'] as {
        questions: { unit: unknown; arms: { trials: Record<string, unknown>[] }[] }[]
      }
      const [first, second] = bench.questions
      Object.assign(first ?? {}, { unit: 'seconds' })
      Object.assign(second?.arms[1]?.trials[0] ?? {}, { count: -3, p75Us: 12 })
      return { ...json, durationMs: 'long', partial: undefined }
    }),
  )
  t.equal(error.code, 'invalid')
  t.equal(
    error.message,
    [
      'r.json is not a valid result of schema 1.3.0:',
      'durationMs: got "long", want number',
      'partial: got nothing, want boolean',
      'bench.questions[0].unit: got "seconds", want "us" or "req/s" or "us/req" or "ms"',
      'bench.questions[1].arms[1].trials[0].count: got -3, want 0 or more',
      'bench.questions[1].arms[1].trials[0]: has p75Us, which this schema does not know',
    ].join('\n  '),
  )
  t.match(error.hint, /edited or damaged/)
  t.end()
})

t.test('a file with very many faults names ten and counts the rest', (t) => {
  const error = refusal(changed((json) => ({ ...json, problems: Array(40).fill(1) })))
  t.equal(error.message.split('\n').length, 12)
  t.match(error.message, /and 30 more$/)
  t.end()
})
