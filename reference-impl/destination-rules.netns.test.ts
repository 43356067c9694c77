/** DestinationRules from the API to the packets: the agent as a process, pods as namespaces. */
import { strict as assert } from 'node:assert'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { addresses, lab } from './proxy/testing/lab.ts'
import { sandboxed } from './proxy/testing/sandbox.ts'
import { startAgent } from './testing/agent-process.ts'
import {
  ApiDouble,
  type KubeObject,
  paths,
  serviceObject,
  smallCluster,
} from './testing/api-double.ts'
import { eventually } from './testing/eventually.ts'

const group = '/apis/networking.istio.io'
const rules = `${group}/v1alpha3/destinationrules`
const programs = join(import.meta.dirname, 'proxy', 'testing')

/** Largest time until a new custom resource is found, and until a change of a rule is in force. */
const foundMs = 60_000
const inForceMs = 5_000

const slice = (
  name: string,
  port: number,
  pods: readonly ('a' | 'b' | 'remote')[],
): KubeObject => ({
  metadata: {
    name: `web-${name}`,
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': 'web' },
  },
  addressType: 'IPv4',
  ports: [{ name, port, protocol: 'TCP' }],
  endpoints: pods.map((pod) => ({ addresses: [addresses[pod]], conditions: { ready: true } })),
})

const rule = (loadBalancer: unknown, change: object = {}, namespace = 'default'): KubeObject => ({
  metadata: { name: 'web', namespace },
  spec: { host: 'web.default.svc.cluster.local', trafficPolicy: { loadBalancer }, ...change },
})

if (await sandboxed(t, import.meta.url, ['unshare', 'ip', 'nft', 'curl', 'socat'])) {
  const net = lab()
  t.teardown(() => net[Symbol.dispose]())
  // why: the agent adds its name server to the node's resolv.conf
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/mnt'])
  execFileSync('sh', ['-c', 'echo nameserver 192.0.2.1 >/mnt/resolv.conf'])
  for (const name of ['a', 'b', 'remote'] as const) {
    await net.start(name, [process.execPath, join(programs, 'http-backend.js'), name])
    await net.start(name, [process.execPath, join(programs, 'backend.js'), name])
  }
  const api = new ApiDouble()
  api.absent = [group]
  smallCluster(api, 'edge-node-a', addresses.node)
  const ports = [
    { name: 'http-0', port: 80, protocol: 'TCP' },
    { name: 'tcp-0', port: 81, protocol: 'TCP' },
    { name: 'http-1', port: 82, protocol: 'TCP' },
  ]
  api.put(paths.services, serviceObject('web', '10.96.0.10', { ports }))
  api.put(paths.slices, slice('http-0', 8081, ['a', 'b', 'remote']))
  api.put(paths.slices, slice('tcp-0', 8080, ['a', 'b', 'remote']))
  api.put(paths.slices, slice('http-1', 8081, ['b']))
  const server = await api.listen()
  const agent = startAgent([`--server=${server}`, '--node-resolv-conf=/mnt/resolv.conf'], {
    NODE_NAME: 'edge-node-a',
  })
  t.teardown(async () => {
    agent.process.kill('SIGKILL')
    await api.close()
  })
  await agent.ready()

  /** The backends that answer `count` requests, a connection each. */
  const http = async (port: number, count: number, header = 'x: y'): Promise<readonly string[]> => {
    const url = `http://10.96.0.10:${port}/0`
    const urls = Array.from({ length: count }, () => url)
    const options = ['-s', '-m', '5', '-D', '-', '-H', 'Connection: close', '-H', header]
    const { out } = await net.exec('client', ['curl', ...options, ...urls])
    return [...out.matchAll(/x-backend: (\S+)/gi)].map(([, name = '']) => name)
  }
  const tcp = async (count: number): Promise<readonly string[]> => {
    const dial = [process.execPath, join(programs, 'dial.js'), 'tcp', '10.96.0.10', '81']
    const { out } = await net.exec('client', [...dial, String(count)])
    return out
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '')
  }
  const inTurn = async (): Promise<void> => {
    for (const seen of [await http(80, 6), await tcp(6)])
      assert.deepEqual([...seen].sort(), ['a', 'a', 'b', 'b', 'remote', 'remote'])
  }
  const one = (seen: readonly string[], count: number): void => {
    assert.equal(seen.length, count)
    assert.equal(new Set(seen).size, 1, seen.join())
  }
  const talk = net.spawn('client', ['socat', '-', 'TCP:10.96.0.10:81'])
  let heard = ''
  talk.stdout?.setEncoding('utf8').on('data', (text: string) => (heard += text))

  t.test('without the custom resource Services are balanced in turn', async (t) => {
    await inTurn()
    t.match(agent.lines.join('\n'), 'the API has no DestinationRules')
  })

  t.test('the custom resource is found when it comes', async (t) => {
    api.put(rules, rule({ consistentHash: { httpHeaderName: 'X-User' } }))
    api.absent = [`${group}/v1`, `${group}/v1beta1`]
    const startedAt = performance.now()
    await eventually(async () => one(await http(80, 9, 'x-user: anna'), 9), foundMs)
    t.comment(`after ${(performance.now() - startedAt).toFixed(0)} ms`)
    const users = Array.from({ length: 12 }, (_, i) => `X-USER: user-${i}`)
    const seen = new Set<string>()
    for (const user of users) for (const name of await http(80, 1, user)) seen.add(name)
    t.equal(seen.size, 3)
    for (const user of users) t.same(await http(82, 2, user), ['b', 'b'], 'ports do not cross')
    t.match(agent.lines.join('\n'), /port 81: consistentHash by header needs a port that is HTTP/)
    t.same([...(await tcp(6))].sort(), ['a', 'a', 'b', 'b', 'remote', 'remote'])
  })

  t.test('an update is in force soon, on both paths', async (t) => {
    api.put(rules, rule({ consistentHash: { useSourceIp: true } }))
    await eventually(async () => {
      one(await tcp(20), 20)
      one(await http(80, 9), 9)
    }, inForceMs)
    const settings = { number: 81 }
    const trafficPolicy = {
      loadBalancer: { consistentHash: { useSourceIp: true } },
      portLevelSettings: [{ port: settings, loadBalancer: { simple: 'ROUND_ROBIN' } }],
    }
    api.put(rules, rule({}, { trafficPolicy }))
    await eventually(async () => assert.equal(new Set(await tcp(3)).size, 3), inForceMs)
    one(await http(80, 9), 9)
    t.pass()
  })

  t.test('a rule of another namespace changes nothing, neither does a deleted one', async (t) => {
    const sticky = { consistentHash: { useSourceIp: true } }
    api.put(rules, rule(sticky, {}, 'other'))
    api.delete(rules, 'default/web')
    await eventually(inTurn, inForceMs)
    t.match(agent.lines.join('\n'), /DestinationRule other\/web: .*no Service of namespace other/)
  })

  t.test('odd rules: in turn, one line each, the same agent', async (t) => {
    const before = agent.lines.length
    const odd: readonly unknown[] = [
      { simple: 'PASSTHROUGH' },
      { simple: 'NO_SUCH' },
      { consistentHash: {} },
      { consistentHash: null, simple: 7 },
      [],
      'text',
    ]
    for (const loadBalancer of odd) api.put(rules, rule(loadBalancer))
    for (const spec of [null, [], { host: 'web' }, { host: 'web', subsets: [{ name: 'v1' }] }])
      api.put(rules, { metadata: { name: 'web', namespace: 'default' }, spec })
    const last = { host: 'web', trafficPolicy: { loadBalancer: { simple: 'NOPE' } } }
    api.put(rules, { metadata: { name: 'web', namespace: 'default' }, spec: last })
    await eventually(
      () => assert.match(agent.lines.slice(before).join('\n'), /"NOPE\\" is no known policy/),
      inForceMs,
    )
    await inTurn()
    t.ok(agent.lines.length - before <= 11, agent.lines.slice(before).join('\n'))
    t.equal(agent.process.exitCode, null)
  })

  t.test('a connection from before all of this is still open', async (t) => {
    talk.stdin?.write('still here\n')
    await eventually(() => assert.match(heard, /still here/), inForceMs)
    t.match(heard, /^(a|b|remote) /)
  })
}
