import { spawn } from 'node:child_process'
import t from 'tap'
import { cannotRunLocal } from '../../../testing/needs-local.ts'
import { first, lab, script } from './testing/lab.ts'

const skip = await cannotRunLocal()
if (skip !== false) {
  t.plan(0, skip)
  process.exit()
}
const signal = AbortSignal.timeout(240_000)
const it = await lab(signal)
t.teardown(() => it[Symbol.asyncDispose]())

t.test('exec carries stdin, stdout, stderr, the exit code and the environment', async (t) => {
  await it.ready('shell', {
    containers: [
      script('exec sleep 1000', { env: [{ name: 'HELLO', value: 'there' }], workingDir: '/usr' }),
    ],
  })
  t.equal((await it.exec('shell', ['cat'], { stdin: 'a\nb' })).stdout, 'a\nb')
  const { stdout, stderr, status } = await it.exec('shell', [
    'sh',
    '-c',
    'echo $HELLO; pwd; echo bad >&2; exit 7',
  ])
  t.equal(stdout, 'there\n/usr\n')
  t.equal(stderr, 'bad\n')
  t.match(status, { status: 'Failure', details: { causes: [{ message: '7' }] } })
  t.match((await it.exec('shell', ['true'])).status, { status: 'Success' })
  const large = 'x'.repeat(1_000_000)
  t.equal((await it.exec('shell', ['cat'], { stdin: large })).stdout.length, large.length)
})

t.test('exec in a container that does not run ends with a Failure', async (t) => {
  await it.start('dead', { restartPolicy: 'Never', containers: [script('exit 0')] })
  await it.until('dead', ({ status }) => status.phase === 'Succeeded')
  const { status } = await it.exec('dead', ['true'])
  t.match(status, { status: 'Failure', message: 'container not found ("main")' })
})

t.test('a program started by exec ends with its connection', async (t) => {
  const words = ['sleep', '987654']
  const running = async (): Promise<boolean> =>
    (await it.exec('shell', ['ps'])).stdout.includes(words.join(' '))
  const child = spawn('kubectl', ['exec', 'shell', '--', ...words], {
    env: { ...process.env, KUBECONFIG: it.cluster.kubeconfig },
    stdio: 'ignore',
  })
  const failed = new Promise<boolean>((resolve) =>
    child.on('error', () => {
      resolve(true)
    }),
  )
  if (await Promise.race([failed, new Promise((resolve) => child.on('spawn', resolve))])) {
    t.pass('runs', { skip: 'no kubectl here' })
    return
  }
  while (!(await running())) signal.throwIfAborted()
  child.kill('SIGKILL')
  while (await running()) signal.throwIfAborted()
  t.pass('it is gone')
})

t.test('kubectl exec -t has a terminal with the size of the own one', async (t) => {
  const kubectl = 'stty rows 33 cols 99; kubectl exec -it shell -- sh'
  const child = spawn('script', ['-qec', kubectl, '/dev/null'], {
    env: { ...process.env, KUBECONFIG: it.cluster.kubeconfig },
    stdio: 'pipe',
  })
  let said = ''
  const until = async (text: string): Promise<void> => {
    while (!said.includes(text) && child.exitCode === null)
      await new Promise((resolve) => child.stdout.once('data', resolve))
  }
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdin.on('error', () => undefined)
  if (child.pid === undefined) {
    t.pass('runs', { skip: 'no script(1) here' })
    return
  }
  const closed = new Promise((resolve) => child.on('close', resolve))
  await Promise.race([until('#'), closed])
  if (/not found/.test(said)) {
    t.pass('runs', { skip: 'no kubectl here' })
    return
  }
  child.stdin.write('until stty size | grep -q "33 99"; do :; done; echo "it""is"; exit 5\r')
  t.equal(await closed, 5)
  t.match(said, 'itis')
})

t.test('logs: tail, since, timestamps, limit, streams and the previous run', async (t) => {
  await it.start('talks', {
    restartPolicy: 'Never',
    containers: [
      script('for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.05; done; printf end'),
    ],
  })
  await it.until('talks', ({ status }) => status.phase === 'Succeeded')
  const all = await it.log('talks')
  t.same(
    all.split('\n').filter((line) => line.startsWith('out')),
    ['out 1', 'out 2', 'out 3'],
  )
  t.match(all, /end\n$/, 'a line without its end is told as well')
  t.equal(await it.log('talks', 'tailLines=1'), 'end\n')
  t.equal(await it.log('talks', 'tailLines=0'), '')
  t.equal(await it.log('talks', 'limitBytes=5'), all.slice(0, 5))
  t.match(await it.log('talks', 'timestamps=true&tailLines=1'), /^\d{4}-\d\d-\d\dT[\d:.]+Z end\n$/)
  t.equal(await it.log('talks', 'sinceTime=2100-01-01T00:00:00Z'), '')
  t.match(await it.log('talks', 'previous=true'), 'previous terminated container')
})

t.test('logs -f tells lines as they come and ends with the container', async (t) => {
  await it.ready('ticks', {
    restartPolicy: 'Never',
    containers: [
      script('echo first; until [ -e /tmp/go ]; do sleep 0.02; done; echo second; exit 0'),
    ],
  })
  const followed = it.log('ticks', 'follow=true')
  await it.exec('ticks', ['touch', '/tmp/go'])
  t.equal(await followed, 'first\nsecond\n')
  const pod = await it.until('ticks', ({ status }) => status.phase === 'Succeeded')
  t.equal(first(pod)?.state.terminated?.exitCode, 0)
})

t.test('a busy log is turned over and never told twice', async (t) => {
  await it.start('busy', {
    restartPolicy: 'Never',
    containers: [script('seq 1 2000000')],
  })
  await it.until('busy', ({ status }) => status.phase === 'Succeeded')
  const numbers = (await it.log('busy')).trim().split('\n').map(Number)
  const start = numbers[0] ?? 0
  t.equal(numbers.at(-1), 2_000_000, 'the end is there')
  t.ok(numbers.length < 2_000_000, 'the beginning is not')
  t.ok(
    numbers.every((number, index) => number === start + index),
    'nothing is missing in between',
  )
})
