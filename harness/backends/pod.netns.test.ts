import t from 'tap'
import { lab } from '../clusters/local/kubelet/testing/lab.ts'
import { cannotRunLocal } from '../testing/needs-local.ts'
import { connectProbe } from '../probes/client.ts'
import { backendPod } from './testing/pod.ts'

const skip = await cannotRunLocal()
if (skip !== false) {
  t.plan(0, skip)
  process.exit()
}
const signal = AbortSignal.timeout(120_000)
const upstream = '192.168.10.10'
const it = await lab(signal, { upstreamDns: [upstream] })
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

t.test("a pod on the master's host network is the name server of every node", async (t) => {
  t.ok(it.cluster.capabilities.has('upstream-dns'))
  t.equal(
    await it.on('edge', ['cat', '/etc/resolv.conf']),
    `nameserver ${upstream}\noptions timeout:2 attempts:2`,
  )
  const node = { nodeName: 'master', hostNetwork: true }
  await it.ready('world', backendPod(`--dns ${upstream}:53 --control 7000`, node))
  const control = async (path: string, body?: object): Promise<unknown> => {
    const data = body === undefined ? [] : ['-d', JSON.stringify(body)]
    const said = await it.on('edge', ['curl', '-s', ...data, `http://${upstream}:7000${path}`])
    return JSON.parse(said) as unknown
  }
  const records = [{ name: 'outside.example.org', type: 'A', data: '203.0.113.7' }]
  await control('/behave', { dns: { records } })
  const at = { node: 'edge', network: 'host' } as const
  const probe = connectProbe(await it.cluster.spawn(at, 'probe', { signal }))
  t.teardown(() => probe[Symbol.asyncDispose]())
  const resolve = { kind: 'resolve', name: 'outside.example.org', timeoutMs: 20_000 } as const
  t.match(await probe.run(resolve, { signal }), {
    kind: 'resolved',
    addresses: ['203.0.113.7'],
  })
  t.match(await it.on('master', ['getent', 'hosts', 'outside.example.org']), /^203\.0\.113\.7 /)
  t.match(await probe.run({ ...resolve, name: 'no.example.org' }, { signal }), {
    kind: 'name-not-found',
  })
  t.match(await control('/seen?contains=no.example.org'), {
    dnsQueries: [{ name: 'no.example.org', peer: /^192\.168\.10\.11:/ }],
  })
})
