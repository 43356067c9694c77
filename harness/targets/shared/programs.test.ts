import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { edgeMesh } from '../edgemesh/target.ts'
import { kubeProxyCoreDns } from '../kube-proxy-coredns/target.ts'
import { onPath, verifyProgram } from './programs.ts'

/** The first bytes of an ELF program for a machine (System V ABI, chapter 4), little-endian. */
function elf(machine: number): Buffer {
  const head = Buffer.alloc(64)
  head.write('\x7fELF', 'latin1')
  head[5] = 1
  head.writeUInt16LE(machine, 18)
  return head
}

const here = { x64: 62, arm64: 183 }[process.arch as string]
const [foreign, foreignName] = process.arch === 'arm64' ? [62, 'x64'] : [183, 'arm64']

t.test('a program that this machine cannot run is refused in words', (t) => {
  const folder = t.testdir({})
  const file = (name: string, content: Buffer | string, mode = 0o755): string => {
    const path = join(folder, name)
    writeFileSync(path, content)
    chmodSync(path, mode)
    return path
  }
  mkdirSync(join(folder, 'folder'))
  for (const { path, says, cure } of [
    { path: join(folder, 'none'), says: /does not exist/, cure: /edgemesh-agent/ },
    { path: join(folder, 'folder'), says: /is no file/, cure: /itself/ },
    { path: file('text', 'hello'), says: /neither an ELF program nor a script/, cure: /Linux/ },
    {
      path: file('foreign', elf(foreign)),
      says: new RegExp(`is a program for ${foreignName}, this machine is ${process.arch}`),
      cure: /GOARCH=/,
    },
    { path: file('unknown', elf(9_999)), says: /is a program for machine 9999/, cure: /GOARCH/ },
  ])
    t.throws(() => edgeMesh({ binary: path }), { message: says, hint: cure }, path)
  t.doesNotThrow(() => verifyProgram('--target-binary', file('script', '#!/bin/sh\n')))
  if (here !== undefined)
    t.doesNotThrow(() => verifyProgram('--target-binary', file('own', elf(here))))
  t.end()
})

t.test('programs are found on PATH, those that may not be executed are passed over', (t) => {
  const folder = t.testdir({ a: { tool: 'x' }, b: { tool: 'x' } })
  chmodSync(join(folder, 'b', 'tool'), 0o755)
  const env = { PATH: `:${join(folder, 'a')}:${join(folder, 'b')}` }
  if (process.getuid?.() !== 0) t.equal(onPath('tool', env), join(folder, 'b', 'tool'))
  t.equal(onPath('tool', { PATH: join(folder, 'b') }), join(folder, 'b', 'tool'))
  t.equal(onPath('other', env), undefined)
  t.equal(onPath('tool', {}), undefined)
  t.end()
})

t.test('a target that comes as an image says what provider local lacks', async (t) => {
  await t.rejects(async () => edgeMesh({}).programs?.(), {
    message: /comes as an image/,
    hint: /--target-binary/,
  })
  const path = process.env['PATH']
  t.teardown(() => (process.env['PATH'] = path))
  process.env['PATH'] = t.testdir({})
  await t.rejects(async () => kubeProxyCoreDns().programs?.(), {
    message: 'no kube-proxy and no coredns on PATH',
    hint: /--provider kind/,
  })
})
