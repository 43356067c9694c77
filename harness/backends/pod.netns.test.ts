import t from 'tap'
import { lab } from '../clusters/local/kubelet/testing/lab.ts'
import { cannotRunLocal } from '../testing/needs-local.ts'
import { backendPod } from './testing/pod.ts'

const skip = await cannotRunLocal()
if (skip !== false) {
  t.plan(0, skip)
  process.exit()
}
const signal = AbortSignal.timeout(120_000)
const it = await lab(signal)
t.teardown(() => it[Symbol.asyncDispose]())

t.test('the image runs in a pod: identity by the downward API, ready by control', async (t) => {
  const pod = await it.ready(
    'echo',
    backendPod('--http 8080 --tcp 9000 --command 9001 --udp 9002 --control 7000'),
  )
  const ip = pod.status.podIP ?? ''
  const asked = await it.on('master', ['curl', '-s', `http://${ip}:8080/x?y`])
  t.match(JSON.parse(asked), {
    pod: 'echo',
    node: 'edge',
    ip,
    port: 8080,
    peer: /^192\.168\.10\.10:/,
  })
  const greeting = [
    'sh',
    '-c',
    `echo hello | timeout 5 bash -c 'exec 3<>/dev/tcp/${ip}/9000; head -1 <&3'`,
  ]
  t.match(await it.on('master', greeting), `pod=echo ip=${ip} port=9000 peer=192.168.10.10:`)
  t.match(JSON.parse(await it.on('master', ['curl', '-s', `http://${ip}:7000/seen`])), {
    connections: 2,
    requests: [{ port: 8080 }],
  })
  await it.on('master', ['curl', '-s', '-d', '{"ready":false}', `http://${ip}:7000/ready`])
  const unready = await it.until('echo', ({ status }) =>
    (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'False'),
  )
  t.equal(unready.status.phase, 'Running')
})
