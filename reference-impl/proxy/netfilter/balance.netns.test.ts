import { join } from 'node:path'
import t from 'tap'
import type { PortPlan, TrafficPlan } from '../plan.ts'
import { addresses, lab } from '../testing/lab.ts'
import { sandboxed } from '../testing/sandbox.ts'
import { run } from './command.ts'
import { listTable } from './nft.ts'
import { Netfilter } from './netfilter.ts'
import type { Site } from './site.ts'

const programs = join(import.meta.dirname, '..', 'testing')
const site: Site = {
  proxyRange: '169.254.64.0/19',
  protectedAddresses: ['169.254.96.16'],
  outsideInterfaces: ['eth0'],
}
const bySource = { kind: 'source-address' } as const

if (await sandboxed(t, import.meta.url, ['unshare', 'ip', 'nft', 'conntrack'])) {
  const net = lab()
  t.teardown(() => net[Symbol.dispose]())
  for (const name of ['a', 'b', 'remote'] as const)
    await net.start(name, [process.execPath, join(programs, 'backend.js'), name])
  /** Addresses of the client pod, each a client of its own. */
  const clients = Array.from({ length: 64 }, (_, i) => `10.244.1.${100 + i}`)
  for (const address of clients) {
    await run('ip', ['-n', 'client', 'addr', 'add', `${address}/32`, 'dev', 'eth0'])
    await run('ip', ['route', 'add', `${address}/32`, 'dev', 'v-client'])
  }
  const warnings: string[] = []
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) }
  const netfilter = new Netfilter(site, log)

  const dial = async (protocol: string, to: string, count: number): Promise<string[]> => {
    const argv = [process.execPath, join(programs, 'dial.js'), protocol, ...to.split(':')]
    const { out } = await net.exec('client', [...argv, String(count)], { timeoutMs: 60_000 })
    return out.trim().split('\n')
  }
  /** The backend that a client of this address is sent to. */
  const from = async (address: string, port: number): Promise<string> => {
    const target = `TCP:10.96.0.10:${port},bind=${address},connect-timeout=3`
    const { out } = await net.exec('client', ['socat', '-T1', '-u', target, '-'])
    return out.split(' ')[0] ?? 'none'
  }
  const mapping = async (of: readonly string[]): Promise<ReadonlyMap<string, string>> =>
    new Map(
      await Promise.all(of.map(async (address) => [address, await from(address, 80)] as const)),
    )
  const destinations = (
    ...names: readonly ('a' | 'b' | 'remote')[]
  ): { address: string; port: number }[] =>
    names.map((name) => ({ address: addresses[name], port: 8080 }))
  const web = (change: Partial<PortPlan> = {}): PortPlan => ({
    id: 'default/web/tcp/80',
    label: 'default/web:tcp-0',
    protocol: 'tcp',
    port: 80,
    clusterIps: ['10.96.0.10'],
    externalIps: [],
    policy: bySource,
    destinations: destinations('a', 'b', 'remote'),
    ...change,
  })
  const plan = (...ports: readonly PortPlan[]): TrafficPlan => ({
    services: [
      {
        ports,
        clusterIps: [...new Set(ports.flatMap(({ clusterIps }) => clusterIps))],
        localPods: [addresses.a, addresses.b, addresses.client, ...clients],
        hairpins: [addresses.a, addresses.b],
      },
    ],
  })

  t.test('one source address, fifty source ports, one backend', async (t) => {
    await netfilter.apply(plan(web()))
    const seen = await dial('tcp', '10.96.0.10:80', 50)
    t.equal(seen.length, 50)
    t.equal(new Set(seen).size, 1, [...new Set(seen)].join())
    t.match(seen[0] ?? '', /^(a|b|remote) /)
  })

  t.test('64 source addresses reach every backend, the same after a new agent', async (t) => {
    const before = await mapping(clients)
    t.same([...new Set(before.values())].sort(), ['a', 'b', 'remote'])
    await run('nft', ['delete', 'table', 'ip', 'meshmark'])
    await new Netfilter(site, log).apply(
      plan(web({ destinations: destinations('remote', 'b', 'a') })),
    )
    t.same(await mapping(clients), before)
  })

  t.test('the clients of a backend that stays do not move when another goes', async (t) => {
    const fresh = new Netfilter(site, log)
    await fresh.apply(plan(web()))
    const before = await mapping(clients)
    await fresh.apply(plan(web({ destinations: destinations('a', 'remote') })))
    const after = await mapping(clients)
    for (const address of clients) {
      if (before.get(address) === 'b') t.match(after.get(address) ?? '', /^(a|remote)$/)
      else t.equal(after.get(address), before.get(address), address)
    }
    await fresh.apply(plan(web()))
    t.same(await mapping(clients), before, 'and back')
  })

  t.test(
    'datagrams follow the source address as well, and each port its own endpoints',
    async (t) => {
      const fresh = new Netfilter(site, log)
      const dns = web({
        id: 'default/web/udp/80',
        protocol: 'udp',
        destinations: destinations('a', 'b').map(({ address }) => ({ address, port: 5300 })),
      })
      const second = web({
        id: 'default/web/tcp/81',
        port: 81,
        destinations: destinations('b'),
      })
      await fresh.apply(plan(web({ destinations: destinations('a') }), dns, second))
      const seen = await dial('udp', '10.96.0.10:80', 30)
      t.equal(new Set(seen).size, 1, [...new Set(seen)].join())
      t.match(seen[0] ?? '', /^(a|b) /)
      for (const address of clients.slice(0, 8)) {
        t.equal(await from(address, 80), 'a')
        t.equal(await from(address, 81), 'b')
      }
    },
  )

  t.test('random is neither in turn nor lopsided; least-request is random here', async (t) => {
    const fresh = new Netfilter(site, log)
    for (const policy of ['random', 'least-request'] as const) {
      await fresh.apply(plan(web({ policy })))
      const seen = (await dial('tcp', '10.96.0.10:80', 300)).map((line) => line.split(' ')[0] ?? '')
      const counts = ['a', 'b', 'remote'].map((name) => seen.filter((one) => one === name).length)
      // chi-square over 3 backends: above 27.6 (2 degrees) once in a million runs
      const chiSquare = counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0)
      t.ok(chiSquare < 27.6, `${policy}: ${counts.join()}`)
      const repeats = seen.filter((one, i) => one === seen[i - 1]).length
      t.ok(repeats > 50, `${policy}: the same backend twice in a row ${repeats} times of 299`)
    }
  })

  t.test('a change of policy does not cut a connection', async (t) => {
    const fresh = new Netfilter(site, log)
    await fresh.apply(plan(web({ policy: 'round-robin' })))
    const talk = net.spawn('client', ['socat', '-', 'TCP:10.96.0.10:80'])
    let heard = ''
    talk.stdout?.setEncoding('utf8').on('data', (text: string) => (heard += text))
    for (const policy of [bySource, 'random', 'least-request', 'round-robin'] as const) {
      await fresh.apply(plan(web({ policy })))
      const line = `still here with ${JSON.stringify(policy)}`
      talk.stdin?.write(`${line}\n`)
      for (let i = 0; i < 250 && !heard.includes(line); i += 1)
        await new Promise((resolve) => setTimeout(resolve, 20))
      t.match(heard, line)
    }
    talk.kill('SIGKILL')
  })

  t.test('the check takes the map of slots for what was written', async (t) => {
    const fresh = new Netfilter(site, log)
    await fresh.apply(plan(web()))
    await fresh.check(site)
    await fresh.check(site)
    t.equal(fresh.counters.repaired, 0, warnings.join())
    t.match((await listTable()) ?? '', 'jhash ip saddr mod 1024 seed 0x6d657368')
  })
}
