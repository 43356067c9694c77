import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../testing/sources.ts'
import { baselineNamed } from './baseline.ts'
import type { RunFlags } from './options.ts'

const flags: RunFlags = { keep: false, json: false, yes: false, provider: 'local' }

t.test('a build in a folder runs its own program, not that of this package', async (t) => {
  const folder = t.testdir({ 'package.json': '{ "version": "9.8.7" }' })
  mkdirSync(join(folder, 'dist', 'reference-impl'), { recursive: true })
  const main = join(folder, 'dist', 'reference-impl', 'main.js')
  writeFileSync(main, 'another program')
  const { target, isSameProgram } = await baselineNamed(`dir:${folder}`, flags)
  t.same(await target.programs?.(), { 'meshmark/reference': [process.execPath, main] })
  t.equal(target.identity.version, '9.8.7')
  t.equal(isSameProgram, false)
  await t.rejects(baselineNamed(`dir:${folder}`, { ...flags, provider: 'kind' }), {
    message: /provider kind has one image of the reference/,
  })
  await t.rejects(baselineNamed(`dir:${folder}`, { ...flags, target: 'edgemesh' }), {
    message: /target edgemesh is not part of this package/,
  })
})

t.test(
  'this very build is known as the same program, and so is the candidate itself',
  async (t) => {
    t.match(await baselineNamed(`dir:${root}`, flags), { isSameProgram: true })
    t.match(await baselineNamed('reference', flags), { isSameProgram: true })
    t.match(await baselineNamed('target:direct', flags), {
      isSameProgram: false,
      target: { id: 'direct' },
    })
  },
)

t.test('an image makes a baseline only of a target that takes one', async (t) => {
  const edgemesh = { ...flags, target: 'edgemesh', targetImage: 'agent:new' }
  t.match(await baselineNamed('image:agent:old', edgemesh), { isSameProgram: false })
  t.match(await baselineNamed('image:agent:new', edgemesh), { isSameProgram: true })
  await t.rejects(baselineNamed('image:agent:old', flags), { message: /takes no image/ })
})
