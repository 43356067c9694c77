/** Programs in pods through the Kubernetes API alone, as on a cluster that is only known by its kubeconfig. */
import t from 'tap'
import { cannotRunLocal } from '../../testing/needs-local.ts'
import { outputOf } from '../../testing/cluster-contract.ts'
import { lab, script } from '../local/kubelet/testing/lab.ts'
import { execInPod } from './exec.ts'
import { readKubeconfig } from './read-kubeconfig.ts'

const skip = await cannotRunLocal()
if (skip !== false) {
  t.plan(0, skip)
  process.exit()
}
const signal = AbortSignal.timeout(120_000)
const it = await lab(signal)
t.teardown(() => it[Symbol.asyncDispose]())
const access = readKubeconfig(it.cluster.kubeconfig)
await it.ready('shell', { containers: [script('exec sleep 1000')] })
const at = { namespace: 'default', pod: 'shell', container: 'main' }

t.test('messages go in and out, and stdin has an end', async (t) => {
  await using channel = await execInPod(access, { ...at, argv: ['cat'] }, { signal })
  channel.send({ hello: 'there' })
  channel.send('x'.repeat(300_000))
  channel.end()
  const messages: unknown[] = []
  for await (const message of channel.messages) messages.push(message)
  t.same(messages, [{ hello: 'there' }, 'x'.repeat(300_000)])
  t.same(await channel.exited, { code: 0, signal: null, stderr: '' })
})

t.test('exit code and stderr are told', async (t) => {
  const argv = ['sh', '-c', 'echo "two words"; echo bad >&2; exit 7']
  await using channel = await execInPod(access, { ...at, argv }, { signal })
  t.equal(await outputOf(channel), 'two words')
  t.same(await channel.exited, { code: 7, signal: null, stderr: 'bad\n' })
})

t.test('a program whose stdin ends because its channel was disposed leaves', async (t) => {
  const channel = await execInPod(access, { ...at, argv: ['cat', '-n'] }, { signal })
  await channel[Symbol.asyncDispose]()
  t.match(await channel.exited, { code: null })
  const isThere = async (): Promise<boolean> =>
    (await it.exec('shell', ['ps'])).stdout.includes('cat -n')
  while (await isThere()) signal.throwIfAborted()
  t.pass('it is gone')
})

t.test('what cannot be started is refused in the words of the API', async (t) => {
  const start = (over: object): Promise<unknown> =>
    execInPod(access, { ...at, argv: ['true'], ...over }, { signal })
  await t.rejects(start({ pod: 'nobody' }), {
    code: 'program-failed',
    message: /^true in default\/nobody: pods "nobody" not found/,
  })
  await t.rejects(execInPod({ ...access, token: 'x' }, { ...at, argv: ['true'] }, { signal }), {
    code: 'access-denied',
  })
  await t.rejects(
    execInPod({ ...access, server: 'https://127.0.0.1:1' }, { ...at, argv: ['true'] }, { signal }),
    { code: 'program-failed', message: /cannot be reached: connect ECONNREFUSED/ },
  )
  const reason = new Error('no more')
  await t.rejects(
    execInPod(access, { ...at, argv: ['true'] }, { signal: AbortSignal.abort(reason) }),
    reason,
  )
})
