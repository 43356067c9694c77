import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { failingRun, passingRun } from '../reporters/fixtures.ts'
import { readResult } from './read.ts'
import { writeResult } from './write.ts'

async function folder(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-write-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

t.test('what is written can be read, and is the only file', async (t) => {
  const directory = await folder(t)
  const path = await writeResult(directory, failingRun())
  t.equal(path, join(directory, 'result.json'))
  t.same(await readResult(path), failingRun())
  t.same(await readdir(directory), ['result.json'])
})

t.test('equal results are equal files, whatever the order of their fields', async (t) => {
  const run = passingRun()
  const reversed = JSON.parse(JSON.stringify(run), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value,
  ) as typeof run
  const [one, other] = [await folder(t), await folder(t)]
  const first = await readFile(await writeResult(one, run), 'utf8')
  t.equal(await readFile(await writeResult(other, reversed), 'utf8'), first)
  t.match(first, /^\{\n {2}"apiVersion": "meshmark\.dev\/v1alpha1",\n {2}"kind": "RunResult",/)
  t.ok(first.endsWith('}\n'))
})

t.test('an older result in the same place is replaced as a whole', async (t) => {
  const directory = await folder(t)
  await writeFile(join(directory, 'result.json'), 'x'.repeat(1_000_000))
  t.same(await readResult(await writeResult(directory, passingRun())), passingRun())
})

t.test('a folder that is not there is named with the cure', async (t) => {
  const directory = join(await folder(t), 'missing')
  await t.rejects(writeResult(directory, passingRun()), {
    name: 'ResultError',
    code: 'not-written',
    message: /missing\/result\.json cannot be written: ENOENT/,
    hint: 'there is no such folder: make it, or choose another place with --out',
  })
})

t.test('where the rename fails, nothing half-done is left', async (t) => {
  const directory = await folder(t)
  await mkdir(join(directory, 'result.json'))
  await t.rejects(writeResult(directory, passingRun()), { code: 'not-written' })
  t.same(await readdir(directory), ['result.json'])
})

t.test(
  'a result against its own schema is kept beside, never under the name of a result',
  async (t) => {
    const directory = await folder(t)
    await t.rejects(writeResult(directory, { ...passingRun(), durationMs: Number.NaN }), {
      code: 'invalid',
      message: /breaks its own schema:\n {2}durationMs: got NaN, want number/,
      hint: /defect of meshmark; report it with .*result\.rejected\.json/,
    })
    t.same(await readdir(directory), ['result.rejected.json'])
  },
)
