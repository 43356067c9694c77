import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import type { Cluster, ProgramChannel } from '../../model/cluster.ts'
import { pidsOn } from './processes.ts'

/** A node that is this machine, as far as a look at processes goes. */
const here = {
  spawn: (_, __, { args = [] }) => {
    const [program = '', ...rest] = args
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    const exited = once(child, 'close').then(([code]: unknown[]) => ({
      code: code as number | null,
      signal: null,
      stderr: '',
    }))
    return Promise.resolve({
      end: () => child.stdin.end(),
      messages: (async function* () {
        let said = ''
        for await (const chunk of child.stdout) said += String(chunk)
        yield* said.split('\n').filter((line) => line !== '')
      })(),
      exited,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    } as Partial<ProgramChannel> as ProgramChannel)
  },
} as Pick<Cluster, 'spawn'> as Cluster

const mark = `agent-${process.pid}`

/** Starts a child with its own command line at each line that it reads. */
const agent = `process.stdin.on('data', () => {
  require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)', '${mark}'])
  console.log('started')
})`

t.test('a child that was forked a moment ago is no process of the target', async (t) => {
  const signal = AbortSignal.timeout(60_000)
  const look = (): Promise<readonly number[]> =>
    pidsOn(here, 'here', { program: 'node', argument: mark }, { signal })
  const parent = spawn(process.execPath, ['-e', agent, mark], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  t.teardown(() => process.kill(-(parent.pid ?? 0)))
  while (!(await look()).includes(parent.pid ?? 0)) signal.throwIfAborted()
  parent.stdin.write('go\n')
  await once(parent.stdout, 'data')
  const began = performance.now()
  const first = await look()
  // why: a machine that was busy for longer than a moment says nothing
  if (performance.now() - began < 500) t.same(first, [parent.pid], 'left out at first')
  while ((await look()).length < 2) signal.throwIfAborted()
  t.same((await look()).length, 2, 'listed when it stays')
})
