import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { UsageError } from '../model/errors.ts'
import { parseSettings, readSettings } from './settings.ts'

function problemsOf(text: string): readonly { subject: string; message: string }[] {
  try {
    parseSettings(text, 'meshmark.yaml')
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}

t.test('settings are read, and an empty file sets nothing', (t) => {
  t.same(parseSettings('target: direct\nbench: {pairs: 12}\n', 'f'), {
    target: 'direct',
    bench: { pairs: 12 },
  })
  t.same(parseSettings('', 'f'), {})
  t.end()
})

t.test('every problem is told at once, with the value and what is allowed', (t) => {
  t.match(problemsOf('tarhet: x\nseed: -1\nbench: {pairs: 0, pears: 1}\n'), [
    { subject: 'seed', message: /^got -1: / },
    { subject: 'bench.pairs', message: /^got 0: / },
    { subject: 'bench.pears', message: 'unknown key; want one of pairs' },
    { subject: 'tarhet', message: /want one of provider, target, out, seed, bench/ },
  ])
  t.end()
})

t.test('what is not YAML, or not a map, is refused by the name of the file', (t) => {
  t.throws(() => parseSettings('a: [', 'my.yaml'), { message: /^my\.yaml is not YAML: / })
  t.throws(() => parseSettings('- a', 'my.yaml'), { message: /^my\.yaml has 1 wrong setting/ })
  t.end()
})

t.test('a file that was asked for has to be there; the default one need not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'settings-test-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const missing = join(folder, 'none.yaml')
  await t.rejects(readSettings(missing), { message: /none\.yaml cannot be read: ENOENT/ })
  const before = process.cwd()
  process.chdir(folder)
  t.teardown(() => {
    process.chdir(before)
  })
  t.same(await readSettings(undefined), {})
})
