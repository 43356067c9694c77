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
const backend = (name: string): string[] => [process.execPath, join(programs, 'backend.js'), name]

const site: Site = {
  proxyRange: '169.254.64.0/19',
  protectedAddresses: ['169.254.96.16'],
  outsideInterfaces: ['eth0'],
}

if (await sandboxed(t, import.meta.url, ['unshare', 'ip', 'nft', 'conntrack'])) {
  const net = lab()
  t.teardown(() => net[Symbol.dispose]())
  for (const name of ['a', 'b', 'remote', 'client']) await net.start(name, backend(name))

  const warnings: string[] = []
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) }
  const netfilter = new Netfilter(site, log)

  const dial = async (
    where: string,
    protocol: string,
    to: string,
    count = 1,
  ): Promise<string[]> => {
    const argv = [process.execPath, join(programs, 'dial.js'), protocol, ...to.split(':')]
    const { out } = await net.exec(where, [...argv, String(count)], { timeoutMs: 60_000 })
    return out.trim().split('\n')
  }
  const tally = (lines: readonly string[]): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const line of lines) counts[line] = (counts[line] ?? 0) + 1
    return counts
  }
  const destinations = (
    ...names: readonly (keyof typeof addresses)[]
  ): { address: string; port: number }[] =>
    names.map((name) => ({ address: addresses[name], port: 8080 }))
  const web = (change: Partial<PortPlan> = {}): PortPlan => ({
    id: 'default/web/tcp/80',
    label: 'default/web:tcp-0',
    protocol: 'tcp',
    port: 80,
    clusterIps: ['10.96.0.10'],
    externalIps: [],
    policy: 'round-robin',
    destinations: destinations('a', 'b', 'remote'),
    ...change,
  })
  const dns = (change: Partial<PortPlan> = {}): PortPlan => ({
    ...web(),
    id: 'default/web/udp/53',
    label: 'default/web:dns',
    protocol: 'udp',
    port: 53,
    destinations: destinations('a', 'b').map(({ address }) => ({ address, port: 5300 })),
    ...change,
  })
  const plan = (...ports: readonly PortPlan[]): TrafficPlan => ({
    services: [
      {
        ports,
        clusterIps: [...new Set(ports.flatMap(({ clusterIps }) => clusterIps)), '10.96.0.99'],
        localPods: [addresses.a, addresses.b, addresses.client],
        hairpins: [addresses.a, addresses.b, addresses.client],
      },
    ],
  })

  t.test(
    'connections go to every endpoint in turn, and the endpoint sees the client itself',
    async (t) => {
      await netfilter.apply(plan(web(), dns()))
      t.same(tally(await dial('client', 'tcp', '10.96.0.10:80', 30)), {
        [`a ${addresses.client}`]: 10,
        [`b ${addresses.client}`]: 10,
        [`remote ${addresses.client}`]: 10,
      })
      t.equal((await netfilter.connections()).get('default/web/tcp/80'), 30)
    },
  )

  t.test('the node itself reaches a Service', async (t) => {
    const seen = tally(await dial('node', 'tcp', '10.96.0.10:80', 6))
    t.same(seen, {
      [`a ${addresses.node}`]: 2,
      [`b ${addresses.node}`]: 2,
      [`remote ${addresses.node}`]: 2,
    })
  })

  t.test('datagrams are balanced too', async (t) => {
    t.same(tally(await dial('client', 'udp', '10.96.0.10:53', 10)), {
      [`a ${addresses.client} 5`]: 5,
      [`b ${addresses.client} 5`]: 5,
    })
  })

  t.test(
    'a packet that finds no way although its Service has endpoints is not refused',
    async (t) => {
      // why: the moment of a commit cannot be met at will; what a packet sees in it is a map without the element
      const element = ['element', 'ip', 'meshmark', 'services']
      const key = '10.96.0.10 . tcp . 80'
      await run('nft', ['delete', ...element, `{ ${key} }`])
      const asked = dial('client', 'tcp', '10.96.0.10:80')
      await new Promise((resolve) => setTimeout(resolve, 300))
      await run('nft', ['add', ...element, `{ ${key} : goto svc/default/web/tcp/80 }`])
      t.match(await asked, [/^(a|b|remote) /], 'the client sent it again')
      await netfilter.apply(plan(web(), dns()))
    },
  )

  t.test('the longest names that Kubernetes allows stop no change', async (t) => {
    const label = `${'n'.repeat(63)}/${'s'.repeat(63)}:${'p'.repeat(15)}`
    const id = `${'n'.repeat(63)}/${'s'.repeat(63)}/tcp/80`
    await netfilter.apply(plan(web({ label, id, affinitySeconds: 10_800 }), dns()))
    t.match(await dial('client', 'tcp', '10.96.0.10:80'), [/^(a|b|remote) /])
    await netfilter.apply(plan(web(), dns()))
  })

  t.test('a port that no Service has, and a ClusterIP without ports, are refused', async (t) => {
    t.same(await dial('client', 'tcp', '10.96.0.10:81'), ['refused'])
    t.same(await dial('node', 'tcp', '10.96.0.10:81'), ['refused'])
    t.same(await dial('client', 'tcp', '10.96.0.99:80'), ['refused'])
    t.same(await dial('client', 'udp', '10.96.0.10:54'), ['refused'])
  })

  t.test(
    'a Service without endpoints refuses over TCP and UDP, from pods and from the node',
    async (t) => {
      await netfilter.apply(plan(web({ destinations: [] }), dns({ destinations: [] })))
      for (const where of ['client', 'node']) {
        t.same(await dial(where, 'tcp', '10.96.0.10:80'), ['refused'], where)
        t.same(await dial(where, 'udp', '10.96.0.10:53'), ['refused'], where)
      }
    },
  )

  t.test('ClientIP affinity holds per client and is released when its endpoint goes', async (t) => {
    const sticky = web({ affinitySeconds: 10_800 })
    await netfilter.apply(plan(sticky))
    const [first = '', ...rest] = await dial('client', 'tcp', '10.96.0.10:80', 16)
    t.ok(
      rest.every((line) => line === first),
      'one endpoint for all connections of a client',
    )
    const [name = ''] = first.split(' ')
    const left = destinations('a', 'b', 'remote').filter(
      ({ address }) => address !== addresses[name as 'a'],
    )
    await netfilter.apply(plan({ ...sticky, destinations: left }))
    const after = await dial('client', 'tcp', '10.96.0.10:80', 8)
    t.notOk(
      after.some((line) => line === first),
      'not the endpoint that went',
    )
    t.equal(new Set(after).size, 1, 'and again one only')
    t.match((await listTable()) ?? '', 'timeout 3h')
  })

  t.test('a new agent takes over the clients that affinity remembers', async (t) => {
    const sticky = web({ affinitySeconds: 600 })
    await netfilter.apply(plan(sticky))
    await dial('other', 'tcp', '10.96.0.10:80')
    const [before] = await dial('client', 'tcp', '10.96.0.10:80')
    await new Netfilter(site, log).apply(plan(sticky))
    t.same(new Set(await dial('client', 'tcp', '10.96.0.10:80', 6)), new Set([before]))
  })

  t.test('affinity ends after the time that the Service sets', async (t) => {
    await netfilter.apply(plan(web({ affinitySeconds: 1 })))
    const [first = ''] = await dial('client', 'tcp', '10.96.0.10:80')
    let moved = false
    for (let attempt = 0; attempt < 20 && !moved; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_200))
      moved = (await dial('client', 'tcp', '10.96.0.10:80'))[0] !== first
    }
    t.ok(moved)
  })

  t.test('a pod reaches itself through its Service', async (t) => {
    await netfilter.apply(plan(web({ destinations: destinations('a') })))
    const [line = ''] = await dial('a', 'tcp', '10.96.0.10:80')
    t.match(line, /^a /)
    t.notMatch(line, addresses.a, 'the answer has to come back through the node')
    t.same(
      await dial('client', 'tcp', '10.96.0.10:80'),
      [`a ${addresses.client}`],
      'others keep their address',
    )
  })

  t.test(
    'NodePorts answer pods, the node and the LAN; local endpoints see the client',
    async (t) => {
      const node = addresses.node
      await netfilter.apply(plan(web({ nodePort: 30_080, destinations: destinations('a') })))
      t.same(await dial('lan', 'tcp', `${node}:30080`), [`a ${addresses.outsider}`])
      t.same(await dial('client', 'tcp', `${node}:30080`), [`a ${addresses.client}`])
      t.same(await dial('node', 'tcp', `${node}:30080`), [`a ${node}`])
      await netfilter.apply(plan(web({ nodePort: 30_080, destinations: destinations('remote') })))
      t.same(
        await dial('lan', 'tcp', `${node}:30080`),
        [`remote ${node}`],
        'masqueraded towards another node',
      )
      await netfilter.apply(plan(web()))
      t.same(await dial('lan', 'tcp', `${node}:30080`), ['refused'], 'gone with the Service')
    },
  )

  t.test(
    'external traffic policy Local keeps to local endpoints, silently without one',
    async (t) => {
      const local = { nodePort: 30_080, externalDestinations: destinations('a') }
      await netfilter.apply(plan(web(local)))
      t.same(tally(await dial('lan', 'tcp', `${addresses.node}:30080`, 4)), {
        [`a ${addresses.outsider}`]: 4,
      })
      await netfilter.apply(plan(web({ ...local, externalDestinations: [] })))
      t.same(await dial('lan', 'tcp', `${addresses.node}:30080`), ['timeout'])
      t.equal(
        (await dial('client', 'tcp', '10.96.0.10:80', 3)).length,
        3,
        'the ClusterIP still works',
      )
    },
  )

  t.test('external addresses lead to the Service, from the LAN as well', async (t) => {
    await netfilter.apply(
      plan(web({ externalIps: ['10.99.0.1'], destinations: destinations('a') })),
    )
    t.same(await dial('client', 'tcp', '10.99.0.1:80'), [`a ${addresses.client}`])
    await netfilter.apply(plan(web({ externalIps: ['10.99.0.1'], destinations: [] })))
    t.same(await dial('client', 'tcp', '10.99.0.1:80'), ['refused'])
  })

  t.test('the LAN reaches neither ClusterIPs nor the DNS address through this node', async (t) => {
    await netfilter.apply(plan(web(), dns()))
    t.same(await dial('lan', 'tcp', '10.96.0.10:80'), ['timeout'])
    t.same(await dial('lan', 'tcp', '10.96.0.10:81'), ['timeout'])
    await run('ip', ['-n', 'lan', 'route', 'add', '169.254.96.16/32', 'via', addresses.node])
    await run('ip', ['addr', 'add', '169.254.96.16/32', 'dev', 'lo'])
    await net.start('node', backend('node'))
    t.same(await dial('lan', 'tcp', '169.254.96.16:8080'), ['timeout'])
    t.same(await dial('client', 'tcp', '169.254.96.16:8080'), [`node ${addresses.client}`])
  })

  t.test('an open connection survives endpoint changes, a new table and a new agent', async (t) => {
    await netfilter.apply(plan(web({ destinations: destinations('a') })))
    const talk = net.spawn('client', ['socat', '-', 'TCP:10.96.0.10:80'])
    let heard = ''
    talk.stdout?.setEncoding('utf8').on('data', (text: string) => (heard += text))
    const says = async (line: string): Promise<void> => {
      talk.stdin?.write(`${line}\n`)
      for (let i = 0; i < 100 && !heard.includes(line); i += 1)
        await new Promise((r) => setTimeout(r, 20))
      t.match(heard, line)
    }
    await says('one')
    await netfilter.apply(plan(web({ destinations: destinations('b') })))
    await says('two')
    await new Netfilter(site, log).apply(plan(web({ destinations: destinations('b') })))
    await says('three')
    t.match(heard, /^a /, 'still the first endpoint')
    t.same(
      await dial('client', 'tcp', '10.96.0.10:80'),
      [`b ${addresses.client}`],
      'new ones go to the new endpoint',
    )
    talk.kill('SIGKILL')
  })

  t.test('a UDP client with a fixed port follows its Service to a new endpoint', async (t) => {
    const fixed = async (): Promise<string> => {
      const argv = [
        process.execPath,
        join(programs, 'dial.js'),
        'udp',
        '10.96.0.10',
        '53',
        '1',
        '40053',
      ]
      return (await net.exec('client', argv)).out.trim()
    }
    const to = (name: 'a' | 'b'): TrafficPlan =>
      plan(dns({ destinations: [{ address: addresses[name], port: 5300 }] }))
    const fresh = new Netfilter(site, log)
    await fresh.apply(plan(dns({ destinations: [] })))
    t.equal(await fixed(), 'refused')
    await fresh.apply(to('a'))
    t.match(await fixed(), /^a /)
    await fresh.apply(to('b'))
    t.match(await fixed(), /^b /)
  })

  t.test('a TCP client that came too early reaches its Service from the same port', async (t) => {
    const early = async (): Promise<string> => {
      const argv = [process.execPath, join(programs, 'dial.js'), 'tcp', '10.96.0.30', '80']
      return (await net.exec('client', [...argv, '1', '40080'])).out.trim()
    }
    const fresh = new Netfilter(site, log)
    await fresh.apply(plan(dns()))
    t.notMatch(await early(), /^(a|b|remote) /, 'nobody serves it yet')
    await fresh.apply(plan(dns(), web({ clusterIps: ['10.96.0.30'] })))
    t.match(await early(), /^(a|b|remote) /)
  })

  t.test('rules that somebody flushed or deleted come back at the next check', async (t) => {
    const fresh = new Netfilter(site, log)
    await fresh.apply(plan(web()))
    for (const damage of [
      'flush ruleset',
      'flush chain ip meshmark dispatch',
      'flush map ip meshmark services',
      'flush chain ip meshmark svc/default/web/tcp/80',
    ]) {
      await run('nft', damage.split(' '))
      await fresh.check(site)
      t.match((await dial('client', 'tcp', '10.96.0.10:80'))[0] ?? '', /^(a|b|remote) /, damage)
      await fresh.check(site)
    }
    t.equal(fresh.counters.repaired, 4)
  })

  t.test('a change on top of a deleted table writes the whole table', async (t) => {
    const fresh = new Netfilter(site, log)
    await fresh.apply(plan(web()))
    await run('nft', ['delete', 'table', 'ip', 'meshmark'])
    await fresh.apply(plan(web({ port: 90 })))
    t.match((await dial('client', 'tcp', '10.96.0.10:90'))[0] ?? '', /^(a|b|remote) /)
  })

  t.test('deleting a Service of 3 ports 20 times leaves nothing behind', async (t) => {
    const fresh = new Netfilter(site, log)
    await fresh.apply(plan(web({ affinitySeconds: 60 })))
    const before = await listTable()
    const extra = [90, 91, 92].map((port) =>
      web({
        id: `default/x/tcp/${port}`,
        port,
        clusterIps: ['10.96.0.11'],
        affinitySeconds: 5,
        nodePort: 30_000 + port,
      }),
    )
    for (let round = 0; round < 20; round += 1) {
      await fresh.apply(plan(web({ affinitySeconds: 60 }), ...extra))
      await fresh.apply(plan(web({ affinitySeconds: 60 })))
    }
    t.equal(await listTable(), before)
    t.equal(fresh.counters.replaced, 1, 'all of it by differences')
  })

  t.test('1001 endpoints and 1000 Services fit', async (t) => {
    const fresh = new Netfilter(site, log)
    const many = Array.from({ length: 1001 }, (_, i) => ({
      address: `10.${1 + (i >> 8)}.${i & 255}.2`,
      port: 80,
    }))
    const services = Array.from({ length: 1000 }, (_, i) =>
      web({
        id: `default/s${i}/tcp/80`,
        clusterIps: [`10.97.${i >> 8}.${i & 255}`],
        destinations: destinations('a'),
      }),
    )
    await fresh.apply(plan(web({ destinations: many }), ...services))
    t.same(await dial('client', 'tcp', '10.97.3.231:80'), [`a ${addresses.client}`])
  })

  t.test('uninstalling leaves the rules of others byte for byte', async (t) => {
    await run('nft', ['delete', 'table', 'ip', 'meshmark'])
    await run(
      'nft',
      ['-f', '-'],
      'table ip foreign { chain c { type nat hook prerouting priority dstnat; tcp dport 1 dnat to 1.2.3.4\n counter drop\n } }\ntable inet fw { set s { type ipv4_addr; elements = { 1.2.3.4 } } }\n',
    )
    const before = (await run('nft', ['-s', 'list', 'ruleset'])).stdout
    const fresh = new Netfilter(site, log)
    await fresh.apply(plan(web({ nodePort: 30_080 }), dns()))
    await fresh.apply(plan(dns()))
    t.not((await run('nft', ['-s', 'list', 'ruleset'])).stdout, before)
    await fresh.remove()
    t.equal((await run('nft', ['-s', 'list', 'ruleset'])).stdout, before)
  })

  t.test('what nft refuses is told in its own words with the line', async (t) => {
    const fresh = new Netfilter(site, log)
    await t.rejects(fresh.apply(plan(web({ clusterIps: ['not-an-address'] }))), {
      name: 'NetfilterError',
      message: /nft refused the rules: .* in line \d+: .*not-an-address/,
    })
  })
}
