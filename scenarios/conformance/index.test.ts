import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import type { Check } from '../../harness/api.ts'
import { readCatalogue } from '../catalogue.ts'
import { checks } from './index.ts'

/** Rows with neither a check nor a reason: what is still to be written. It only ever goes down. */
const unwrittenAtMost = 0

const { requirements } = await readCatalogue()
const rows = new Map(requirements.map((row) => [row.id, row]))
const judged = checks.map(({ requirement }) => requirement)

t.test('every check judges a row of the catalogue', (t) => {
  t.same(
    judged.filter((id) => !rows.has(id)),
    [],
  )
  t.end()
})

t.test('a row has one check at most', (t) => {
  t.same(
    judged.filter((id, index) => judged.indexOf(id) !== index),
    [],
  )
  t.end()
})

t.test('no row says that it is not automated and has a check', (t) => {
  t.same(
    judged.filter((id) => rows.get(id)?.notAutomated !== undefined),
    [],
  )
  t.end()
})

t.test('fewer and fewer rows have neither a check nor a reason', (t) => {
  const known = new Set(judged)
  const unwritten = requirements
    .filter(({ id, notAutomated }) => notAutomated === undefined && !known.has(id))
    .map(({ id }) => id)
  t.comment(`${unwritten.length} rows to be written: ${unwritten.join(' ')}`)
  t.ok(unwritten.length <= unwrittenAtMost, `got ${unwritten.length}, want ${unwrittenAtMost}`)
  if (unwritten.length < unwrittenAtMost)
    t.comment(`unwrittenAtMost can be lowered to ${unwritten.length}`)
  t.end()
})

t.test('a check tells what it sends and expects, in sentences', (t) => {
  for (const { requirement, sends, expects } of checks)
    for (const text of [sends, expects]) t.match(text, /^\S.*\s.*\S$/s, requirement)
  t.end()
})

/** Files of this folder and those below; tests and what serves them, and tools for checks, are left out. */
const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter(
    (name) =>
      name.endsWith('.js') && !name.endsWith('.test.js') && !/^(support|testing)\//.test(name),
  )
  .map((name) => join(import.meta.dirname, name))

t.test('every file is reached from the index', (t) => {
  const reached = new Set<string>()
  const visit = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(
      /from ["'](\.[^"']+\.js)["']/g,
    )) {
      const imported = join(dirname(file), path)
      if (imported.startsWith(import.meta.dirname)) visit(imported)
    }
  }
  visit(join(import.meta.dirname, 'index.js'))
  t.same(
    files.filter((file) => !reached.has(file)).map((file) => relative(import.meta.dirname, file)),
    [],
  )
  t.end()
})

t.test('every check that a file exports is in the list', async (t) => {
  const listed = new Set(checks)
  for (const file of files)
    for (const value of Object.values((await import(file)) as object).flat() as unknown[])
      if (isCheck(value)) t.ok(listed.has(value), `${value.requirement} is in the list`)
})

function isCheck(value: unknown): value is Check {
  return typeof value === 'object' && value !== null && 'requirement' in value && 'run' in value
}
