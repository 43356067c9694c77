import t from 'tap'
import { cannotRunLocal } from '../../../testing/needs-local.ts'
import { first, isReady, lab, script } from './testing/lab.ts'

const skip = await cannotRunLocal()
if (skip !== false) {
  t.plan(0, skip)
  process.exit()
}
const it = await lab(AbortSignal.timeout(240_000))
t.teardown(() => it[Symbol.asyncDispose]())

const hasFile = { exec: { command: ['test', '-e', '/tmp/good'] } }

t.test('readiness flips with its probe, by the thresholds', async (t) => {
  await it.start('flips', {
    containers: [
      script('exec sleep 1000', {
        readinessProbe: { ...hasFile, periodSeconds: 1, failureThreshold: 2 },
      }),
    ],
  })
  const before = await it.until('flips', (pod) => first(pod)?.state.running !== undefined)
  t.notOk(isReady(before))
  await it.exec('flips', ['touch', '/tmp/good'])
  await it.until('flips', isReady)
  await it.exec('flips', ['rm', '/tmp/good'])
  const after = await it.until('flips', (pod) => !isReady(pod))
  t.equal(first(after)?.restartCount, 0, 'readiness restarts nothing')
  t.match(
    (await it.events('flips', 'Unhealthy')).join('\n'),
    'Warning Unhealthy Readiness probe failed: ',
    'an event tells',
  )
})

t.test('a failing liveness probe restarts the container', async (t) => {
  await it.start('dies', {
    containers: [
      script('touch /tmp/good; exec sleep 1000', {
        livenessProbe: { ...hasFile, periodSeconds: 1, failureThreshold: 1 },
      }),
    ],
  })
  await it.until('dies', isReady)
  await it.exec('dies', ['rm', '/tmp/good'])
  const pod = await it.until('dies', (pod) => first(pod)?.restartCount === 1)
  t.match(first(pod)?.lastState.terminated, { exitCode: 137 })
  await it.until('dies', isReady)
  const told = (await it.events('dies', 'Killing')).join('\n')
  t.match(told, 'Normal Killing Container main failed liveness probe, will be restarted')
})

t.test('a startup probe holds the others back', async (t) => {
  await it.start('slow', {
    containers: [
      script('sleep 1.5; touch /tmp/good; exec sleep 1000', {
        startupProbe: { ...hasFile, periodSeconds: 1, failureThreshold: 30 },
        livenessProbe: { ...hasFile, periodSeconds: 1, failureThreshold: 1 },
      }),
    ],
  })
  const pod = await it.until('slow', isReady)
  t.equal(first(pod)?.restartCount, 0)
})

t.test(
  'http and tcp probes ask from the node, by named ports; a refusal reads as in Go',
  async (t) => {
    const ports = [{ name: 'web', containerPort: 80 }]
    await it.ready('asked', {
      containers: [
        { name: 'n', image: 'nginx', ports, readinessProbe: { tcpSocket: { port: 'web' } } },
      ],
    })
    await it.start('deaf', {
      containers: [
        script('exec sleep 1000', { readinessProbe: { httpGet: { port: 81, path: '/x' } } }),
      ],
    })
    const pod = await it.until('deaf', (pod) => first(pod)?.state.running !== undefined)
    const address = pod.status.podIP ?? ''
    const wanted = `Warning Unhealthy Readiness probe failed: Get "http://${address}:81/x": dial tcp ${address}:81: connect: connection refused`
    const told = await it.events('deaf', wanted)
    t.ok(told.includes(wanted), told.join('\n'))
  },
)

t.test('a postStart hook that fails restarts the container', async (t) => {
  await it.start('hooked', {
    containers: [
      script('exec sleep 1000', { lifecycle: { postStart: { exec: { command: ['false'] } } } }),
    ],
  })
  await it.until('hooked', (pod) => (first(pod)?.restartCount ?? 0) > 0)
  t.match(
    (await it.events('hooked', 'FailedPostStartHook')).join('\n'),
    'Warning FailedPostStartHook',
  )
})
