import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../testing/sources.ts'
import { baselineNamed } from './baseline.ts'
import type { RunFlags } from './options.ts'
import { isSameFile, isSameImage } from './same-program.ts'

const flags: RunFlags = { keep: false, json: false, yes: false, provider: 'local' }

t.test('a build in a folder runs its own program, not that of this package', async (t) => {
  const folder = t.testdir({ 'package.json': '{ "version": "9.8.7" }' })
  mkdirSync(join(folder, 'dist', 'reference-impl'), { recursive: true })
  const main = join(folder, 'dist', 'reference-impl', 'main.js')
  writeFileSync(main, 'another program')
  const { target, isSameProgram } = await baselineNamed(`dir:${folder}`, flags)
  const program = (await target.programs?.())?.['meshmark/reference'] ?? []
  t.same([program[0], program.at(-1)], [process.execPath, main])
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

t.test('a copy of the program is the same program, one byte more is not', async (t) => {
  const folder = t.testdir({ candidate: '#!/bin/sh', copy: '#!/bin/sh', other: '#!/bin/sh -e' })
  for (const name of ['candidate', 'copy', 'other']) chmodSync(join(folder, name), 0o755)
  const edgemesh = { ...flags, target: 'edgemesh', targetBinary: join(folder, 'candidate') }
  const vs = async (name: string): Promise<boolean> =>
    (await baselineNamed(`binary:${join(folder, name)}`, edgemesh)).isSameProgram
  t.equal(await vs('copy'), true)
  t.equal(await vs('other'), false)
  t.equal(await isSameFile(join(folder, 'copy'), join(folder, 'gone')), false)
})

t.test('two names of one image are the same program', async (t) => {
  // a double of docker: it knows two names of one image, and a third image
  const folder = t.testdir({
    docker:
      '#!/bin/sh\ncase "$5" in agent:pr|agent:main) echo sha256:aaa ;; agent:old) echo sha256:bbb ;; *) exit 1 ;; esac\n',
  })
  chmodSync(join(folder, 'docker'), 0o755)
  const { PATH } = process.env
  process.env['PATH'] = `${folder}:${PATH ?? ''}`
  t.teardown(() => {
    process.env['PATH'] = PATH
  })
  t.equal(await isSameImage('agent:pr', 'agent:main'), true)
  t.equal(await isSameImage('agent:pr', 'agent:old'), false)
  t.equal(await isSameImage('agent:gone', 'agent:lost'), false, 'unknown is not the same')
})
