/** Every mutant fits the program that is there: its text occurs exactly once, and what comes out still parses. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parses } from '../../../testing/parses.ts'
import { root } from '../../../testing/sources.ts'
import { replaced } from '../mutate.ts'
import { mutants } from './index.ts'

t.test('mutants', async (t) => {
  const ids = mutants.map(({ id }) => id)
  t.same([...new Set(ids)], ids, 'no id twice')
  for (const { id, changes, kills } of mutants) {
    t.ok(kills.length > 0, `${id} names rows that are to kill it`)
    const texts = new Map<string, string>()
    for (const change of changes) {
      const path = join(root, 'dist', 'reference-impl', change.file)
      const text = texts.get(path) ?? (await readFile(path, 'utf8'))
      texts.set(path, replaced(text, change, id))
    }
    for (const [path, text] of texts) t.ok(parses(text), `${id}: ${path} still parses`)
  }
})
