import t from 'tap'
import { readCatalogue } from '../../scenarios/catalogue.ts'
import { checks } from '../../scenarios/conformance/index.ts'
import { unnamedRows } from '../engine/selftest.ts'
import { mutants } from '../targets/reference/mutants/index.ts'
import { unproven } from '../targets/reference/mutants/unproven.ts'

/** Automated MUST rows with neither a mutant nor a reason: checks that were never seen to fail. It only ever goes down. */
const unnamedAtMost = 0

const { requirements } = await readCatalogue()
const rows = new Map(requirements.map((row) => [row.id, row]))
const judged = new Set(checks.map(({ requirement }) => requirement))
const unnamed = unnamedRows(
  mutants,
  requirements.filter(({ id }) => judged.has(id)),
)

t.test('fewer and fewer automated MUST rows have neither a mutant nor a reason', (t) => {
  const open = unnamed.filter((id) => unproven[id] === undefined)
  t.comment(`${open.length} rows without a mutant: ${open.join(' ')}`)
  t.ok(
    open.length <= unnamedAtMost,
    `got ${open.length} (${open.join(' ')}), want ${unnamedAtMost}`,
  )
  if (open.length < unnamedAtMost) t.comment(`unnamedAtMost can be lowered to ${open.length}`)
  t.end()
})

t.test('a row with a reason has no mutant', (t) => {
  t.same(
    Object.keys(unproven).filter((id) => !unnamed.includes(id)),
    [],
    'each is an automated MUST row that no mutant names',
  )
  for (const [id, why] of Object.entries(unproven)) t.match(why, /^\S.*\s.*\S$/s, id)
  t.end()
})

t.test('every row that a mutant is to fail has a check', (t) => {
  for (const { id, kills } of mutants)
    t.same(
      kills.filter((row) => !judged.has(row)),
      [],
      `${id} names rows of the catalogue that have a check`,
    )
  t.ok(mutants.every(({ kills }) => kills.every((row) => rows.has(row))))
  t.end()
})

t.test('only automated MUST rows are to have a mutant', (t) => {
  const [must] = requirements.filter(({ level }) => level === 'MUST')
  const [should] = requirements.filter(({ level }) => level === 'SHOULD')
  if (must === undefined || should === undefined) throw new Error('want rows of both levels')
  const [mutant] = mutants
  if (mutant === undefined) throw new Error('want a mutant')
  t.same(unnamedRows([], [must, should]), [must.id])
  t.same(unnamedRows([{ ...mutant, kills: [must.id] }], [must, should]), [])
  t.end()
})
