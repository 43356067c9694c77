import t from 'tap'
import { cannotRunLocal } from '../../../testing/needs-local.ts'
import { pods } from '../../kube/types.ts'
import { first, lab, script } from './testing/lab.ts'

const skip = await cannotRunLocal()
if (skip !== false) {
  t.plan(0, skip)
  process.exit()
}
const signal = AbortSignal.timeout(240_000)
const it = await lab(signal)
t.teardown(() => it[Symbol.asyncDispose]())

/** A script that tells about its end in a file of the node. */
const volumes = [{ name: 'node', hostPath: { path: '/tmp' } }]
const volumeMounts = [{ name: 'node', mountPath: '/node-tmp' }]

async function told(name: string): Promise<string> {
  return it.on('edge', ['sh', '-c', `cat /tmp/${name} 2>/dev/null || true`])
}

t.test('preStop runs before SIGTERM, and both before the pod is gone', async (t) => {
  const command = ['sh', '-c', 'sleep 0.3; echo preStop >> /node-tmp/polite']
  await it.ready('polite', {
    terminationGracePeriodSeconds: 20,
    containers: [
      script('trap "echo SIGTERM >> /node-tmp/polite; exit 0" TERM; while :; do sleep 0.05; done', {
        volumeMounts,
        lifecycle: { preStop: { exec: { command } } },
      }),
    ],
    volumes,
  })
  await it.remove('polite')
  await it.gone('polite')
  t.equal(await told('polite'), 'preStop\nSIGTERM')
  t.match(
    (await it.events('polite', 'Killing')).join('\n'),
    'Normal Killing Stopping container main',
  )
})

t.test('what does not heed SIGTERM is killed when the grace period is over', async (t) => {
  await it.ready('stubborn', {
    terminationGracePeriodSeconds: 1,
    containers: [
      script('trap "echo no > /node-tmp/stubborn" TERM; while :; do sleep 0.05; done', {
        volumeMounts,
      }),
    ],
    volumes,
  })
  const startedAt = performance.now()
  await it.remove('stubborn')
  const pod = await it.until('stubborn', (pod) => first(pod)?.state.terminated !== undefined)
  await it.gone('stubborn')
  t.ok(performance.now() - startedAt >= 1_000, 'not before the grace period is over')
  t.match(first(pod)?.state.terminated, { exitCode: 137, reason: 'Error' })
  t.equal(pod.status.phase, 'Failed')
  t.equal(await told('stubborn'), 'no')
})

t.test('a second, shorter deletion brings the end forward', async (t) => {
  await it.ready('hurry', {
    terminationGracePeriodSeconds: 600,
    containers: [script('trap "" TERM; while :; do sleep 0.05; done')],
  })
  await it.remove('hurry')
  await it.until('hurry', ({ metadata }) => metadata.deletionTimestamp !== undefined)
  await it.remove('hurry', 1)
  await it.gone('hurry')
  t.pass('it is gone')
})

t.test('a forced deletion kills at once and leaves nothing on the node', async (t) => {
  const pod = await it.ready('forced', {
    terminationGracePeriodSeconds: 600,
    containers: [script('trap "" TERM; while :; do sleep 0.07; done')],
  })
  const uid = pod.metadata.uid ?? ''
  t.match(await it.on('edge', ['ip', 'route']), pod.status.podIP ?? 'no address')
  await it.remove('forced', 0)
  const left = async (): Promise<string> =>
    (await it.on('edge', ['sh', '-c', 'ip route; ps ax -o args; ls /run/meshmark/nodes/edge/*']))
      .split('\n')
      .filter((line) => line.includes(pod.status.podIP ?? '') || line.includes(uid))
      .join('\n')
  while ((await left()) !== '') signal.throwIfAborted()
  t.pass('no route, no process, no folder')
})

t.test('addresses come back, and not at once to somebody else', async (t) => {
  const spec = { containers: [script('exec sleep 1000')], terminationGracePeriodSeconds: 0 }
  const addresses: (string | undefined)[] = []
  for (const name of ['one', 'two', 'three']) {
    addresses.push((await it.ready(name, spec)).status.podIP)
    await it.remove(name)
    await it.gone(name)
  }
  t.equal(new Set(addresses).size, 3)
  t.notMatch(await it.on('edge', ['ip', 'route']), addresses[0] ?? '')
})

t.test('a sidecar outlives the main container and sees it go', async (t) => {
  await it.ready('team', {
    terminationGracePeriodSeconds: 20,
    initContainers: [
      script('trap "echo sidecar >> /node-tmp/team; exit 0" TERM; while :; do sleep 0.05; done', {
        name: 'side',
        restartPolicy: 'Always',
        volumeMounts,
      }),
    ],
    containers: [
      script(
        'trap "sleep 0.3; echo main >> /node-tmp/team; exit 0" TERM; while :; do sleep 0.05; done',
        { volumeMounts },
      ),
    ],
    volumes,
  })
  await it.remove('team')
  await it.gone('team')
  t.equal(await told('team'), 'main\nsidecar')
})

t.test('a pod whose API object has a finalizer waits for nobody but its containers', async (t) => {
  const { kube } = it.cluster
  await it.ready('held', { containers: [script('exec sleep 1000')] })
  const key = { namespace: 'default', name: 'held' }
  const set = (finalizers: readonly string[]): Promise<unknown> =>
    kube.patch(pods, key, { metadata: { finalizers } }, { type: 'merge', signal })
  await set(['example.org/hold'])
  await it.remove('held')
  await it.until('held', (pod) => first(pod)?.state.terminated !== undefined)
  await set([])
  await it.gone('held')
  t.pass('it is gone')
})
