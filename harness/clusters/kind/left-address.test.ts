import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type LeftAddress, leftAddress } from './left-address.ts'
import { notedFaults } from './state.ts'

const { signal } = new AbortController()
const name = 'meshmark-double'
const address = '169.254.96.16'

/** A Docker in whose container `a` the address is, and in `b` not. */
async function found(t: Test, at: string): Promise<LeftAddress & { said(): Promise<string> }> {
  const folder = t.testdir({ bin: {}, state: {}, log: '' })
  const program = join(folder, 'bin', 'docker')
  await writeFile(
    program,
    `#!/bin/sh\necho "$2 $3" >> ${folder}/log\ntest "$2 $3" != 'a ip' || echo '2: lo inet ${address}/32'\n`,
  )
  await chmod(program, 0o755)
  const { PATH: path = '', XDG_STATE_HOME: state } = process.env
  process.env['PATH'] = `${join(folder, 'bin')}:${path}`
  process.env['XDG_STATE_HOME'] = join(folder, 'state')
  t.teardown(() => {
    process.env['PATH'] = path
    if (state === undefined) delete process.env['XDG_STATE_HOME']
    else process.env['XDG_STATE_HOME'] = state
  })
  const left = await leftAddress({ name, containers: ['a', 'b'], address: at }, { signal })
  return { ...left, said: () => readFile(join(folder, 'log'), 'utf8') }
}

async function noted(): Promise<readonly string[]> {
  return (await notedFaults(name)).map(
    ({ container, undo }) => `${container} ${undo.flat().at(-1)}`,
  )
}

t.test('an address that a target brings is noted, until it was taken away', async (t) => {
  const left = await found(t, address)
  t.same(await noted(), [`b ${address}`], 'where it was before it is the node’s own')
  await left.remove({ signal })
  t.same(await noted(), [])
  t.equal(await left.said(), 'a ip\nb ip\nb sh\n', 'taken away from b alone')
})

t.test('the address of a target that stays is nobody’s to take away', async (t) => {
  const left = await found(t, address)
  await left.leave()
  t.same(await noted(), [])
  t.equal(await left.said(), 'a ip\nb ip\n')
})

t.test('an address of the cluster’s own is left alone', async (t) => {
  const left = await found(t, '10.96.0.10')
  await left.remove({ signal })
  t.same(await noted(), [])
  t.equal(await left.said(), '')
})
