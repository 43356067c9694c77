import t from 'tap'
import type { PortPlan, ServicePlan } from '../plan.ts'
import { changedFronts, staleFlows, udpFronts } from './conntrack.ts'
import { AddressPool } from './local-addresses.ts'
import { changeScript, type Leftovers, quickScript, replaceScript } from './script.ts'
import type { Site } from './site.ts'
import { Table } from './table.ts'

const site: Site = {
  proxyPort: 15_001,
  proxyRange: '169.254.64.0/19',
  protectedAddresses: ['169.254.96.16'],
  outsideInterfaces: ['eth0'],
}
const web = (change: Partial<PortPlan> = {}): PortPlan => ({
  id: 'default/web/tcp/80',
  label: 'default/web:tcp-0',
  protocol: 'tcp',
  port: 80,
  clusterIps: ['10.96.0.10'],
  externalIps: [],
  policy: 'round-robin',
  destinations: [
    { address: '10.244.1.2', port: 8080 },
    { address: '10.244.2.2', port: 9090 },
  ],
  ...change,
})
const plan = (...ports: readonly PortPlan[]): readonly ServicePlan[] => [
  { ports, clusterIps: ['10.96.0.10'], localPods: ['10.244.1.2'], hairpins: ['10.244.1.2'] },
]
const tableOf = (services: readonly ServicePlan[]): Table => {
  const table = new Table(site.proxyPort)
  table.change({ gone: [], added: services })
  return table
}
const change = (before: readonly ServicePlan[], after: readonly ServicePlan[]): string => {
  const table = tableOf(before)
  return changeScript(table.change({ gone: before, added: after }), table).join('\n')
}

t.test('the whole table is one script that replaces what was there', async (t) => {
  const script = replaceScript(tableOf(plan(web({ nodePort: 30_080 }))), site, [])
  const [add, remove, ...rest] = script
  t.same([add, remove], ['add table ip meshmark', 'delete table ip meshmark'])
  t.same(
    rest.filter((line) => line.startsWith('add ')),
    [
      'add counter ip meshmark svc/default/web/tcp/80',
      'add map ip meshmark to-tcp-0 { typeof numgen inc mod 4096 : ip daddr . tcp dport; }',
      'add chain ip meshmark svc/default/web/tcp/80 {\ncounter name "svc/default/web/tcp/80"\nmeta l4proto tcp dnat ip to numgen inc mod 2 offset 0 map @to-tcp-0\n}',
      'add map ip meshmark services { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.96.0.10 . tcp . 80 comment "default/web:tcp-0" : goto svc/default/web/tcp/80 }; }',
      'add map ip meshmark node-ports { type inet_proto . inet_service : verdict; elements = { tcp . 30080 comment "default/web:tcp-0" : goto svc/default/web/tcp/80 }; }',
      'add set ip meshmark served { type ipv4_addr . inet_proto . inet_service; elements = { 10.96.0.10 . tcp . 80 }; }',
      'add set ip meshmark cluster-ips { type ipv4_addr; elements = { 10.96.0.10 }; }',
      'add set ip meshmark node-port-numbers { type inet_service; elements = { 30080 }; }',
      'add set ip meshmark endpoint-ips { type ipv4_addr; elements = { 10.244.1.2, 10.244.2.2 }; }',
      'add set ip meshmark local-pods { type ipv4_addr; elements = { 10.244.1.2 }; }',
      'add set ip meshmark hairpin { type ipv4_addr . ipv4_addr; elements = { 10.244.1.2 . 10.244.1.2 }; }',
      'add map ip meshmark to-tcp-0 { typeof numgen inc mod 4096 : ip daddr . tcp dport; elements = { 0 : 10.244.1.2 . 8080, 1 : 10.244.2.2 . 9090 }; }',
    ],
  )
})

t.test('nothing is written when nothing changed', async (t) => {
  t.equal(change(plan(web()), plan(web())), '')
})

t.test('a changed endpoint rewrites its chain and nothing else', async (t) => {
  const moved = web({ destinations: [{ address: '10.244.2.2', port: 9090 }] })
  t.same(change(plan(web()), plan(moved)).trim().split('\n'), [
    'delete element ip meshmark endpoint-ips { 10.244.1.2 }',
    'delete element ip meshmark to-tcp-0 { 0, 1 }',
    'flush chain ip meshmark svc/default/web/tcp/80',
    'add chain ip meshmark svc/default/web/tcp/80 {',
    'counter name "svc/default/web/tcp/80"',
    'meta l4proto tcp dnat ip to 10.244.2.2:9090',
    '}',
    'delete map ip meshmark to-tcp-0',
  ])
})

t.test(
  'one endpoint is named by the rule, more are taken from a map, too many from an own one',
  async (t) => {
    const many = (count: number): PortPlan =>
      web({
        destinations: Array.from({ length: count }, (_, i) => ({
          address: `10.244.${i >> 8}.${i & 255}`,
          port: 80,
        })),
      })
    t.match(change(plan(), plan(many(1))), 'meta l4proto tcp dnat ip to 10.244.0.0:80')
    t.match(change(plan(), plan(many(9))), 'numgen inc mod 9 offset 0 map @to-tcp-0')
    t.match(change(plan(), plan(many(4097))), 'numgen inc mod 4097 map { 0 : 10.244.0.0 . 80')
  },
)

t.test('a packet under way in the old rule finds what that rule meant', async (t) => {
  const moved = web({
    destinations: [
      { address: '10.244.3.2', port: 8080 },
      { address: '10.244.4.2', port: 8080 },
    ],
  })
  t.match(change(plan(web()), plan(moved)), 'offset 2 map')
})

t.test('a key that leads elsewhere in the kernel still is taken away first', async (t) => {
  const table = tableOf(plan(web({ destinations: [{ address: '10.244.1.2', port: 8080 }] })))
  const change = table.change({
    gone: plan(web({ destinations: [{ address: '10.244.1.2', port: 8080 }] })),
    added: plan(web()),
  })
  const left = (to: string): Leftovers => new Map([['to-tcp-0', new Map([['0', `: ${to}`]])]])
  t.equal(quickScript(change, table, left('10.244.9.9 . 80')), undefined)
  t.match(changeScript(change, table, left('10.244.9.9 . 80')), [
    'delete element ip meshmark to-tcp-0 { 0 }',
  ])
  t.ok(
    quickScript(change, table, left('10.244.1.2 . 8080')),
    'what is there already is no hindrance',
  )
})

t.test('the last endpoint takes the entry along, so that connections are refused', async (t) => {
  const script = change(plan(web()), plan(web({ destinations: [] })))
  t.match(script, 'delete element ip meshmark services { 10.96.0.10 . tcp . 80 }')
  t.match(script, 'delete chain ip meshmark svc/default/web/tcp/80')
  t.notMatch(script, 'delete counter')
})

t.test('affinity remembers a client per endpoint', async (t) => {
  const script = change(plan(), plan(web({ affinitySeconds: 10_800 })))
  t.match(
    script,
    'add set ip meshmark aff/svc/default/web/tcp/80/10.244.1.2/8080/10800 { type ipv4_addr; flags dynamic,timeout; timeout 10800s; size 65536; }',
  )
  t.match(
    script,
    'ip saddr @aff/svc/default/web/tcp/80/10.244.1.2/8080/10800 goto to/svc/default/web/tcp/80/10.244.1.2/8080',
  )
  t.match(script, 'numgen inc mod 2 vmap { 0 : goto to/svc')
})

t.test('an http port leads to its local address at the proxy', async (t) => {
  const script = change(plan(), plan(web({ proxyAddress: '169.254.64.7' })))
  t.match(script, 'meta l4proto tcp dnat ip to 169.254.64.7:15001')
})

const dns = (change: Partial<PortPlan> = {}): PortPlan => ({
  ...web(),
  id: 'default/dns/udp/53',
  protocol: 'udp',
  port: 53,
  ...change,
})

t.test('only flows that lead where a Service no longer leads are forgotten', async (t) => {
  const before = udpFronts(plan(dns({ nodePort: 30_053 })))
  const after = udpFronts(
    plan(dns({ nodePort: 30_053, destinations: [{ address: '10.244.2.2', port: 9090 }] })),
  )
  const changed = changedFronts(before, after)
  t.same([...changed.keys()].sort(), ['*:30053', '10.96.0.10:53'])
  t.equal(changedFronts(before, before).size, 0)
  const listed = [
    'udp      17 25 src=10.244.1.9 dst=10.96.0.10 sport=4001 dport=53 src=10.244.1.2 dst=10.244.1.9 sport=8080 dport=4001 mark=0 use=1',
    'udp      17 25 src=10.244.1.9 dst=10.96.0.10 sport=4002 dport=53 [UNREPLIED] src=10.244.1.2 dst=10.244.1.9 sport=8080 dport=4002 mark=0 use=1',
    'udp      17 25 src=10.244.1.9 dst=10.96.0.10 sport=4003 dport=53 src=10.244.2.2 dst=10.244.1.9 sport=9090 dport=4003 [ASSURED] mark=0 use=1',
    'udp      17 25 src=10.244.1.9 dst=8.8.8.8 sport=4004 dport=53 src=8.8.8.8 dst=10.244.1.9 sport=53 dport=4004 mark=0 use=1',
    'udp      17 25 src=192.168.1.9 dst=192.168.1.1 sport=4005 dport=30053 [UNREPLIED] src=192.168.1.1 dst=192.168.1.9 sport=30053 dport=4005 mark=0 use=1',
  ].join('\n')
  t.same(
    staleFlows(listed, changed).map((filter) => filter.join(' ')),
    [
      '--orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.244.1.2 --reply-port-src 8080',
      '--orig-dst 192.168.1.1 --orig-port-dst 30053 --reply-src 192.168.1.1 --reply-port-src 30053',
    ],
  )
})

t.test('local addresses are kept per port, given back, and run out without a crash', async (t) => {
  const pool = new AddressPool('169.254.64.0/29')
  const given = Array.from({ length: 7 }, (_, i) => pool.allocate(`port-${i}`))
  t.equal(new Set(given).size, 7)
  t.equal(given[6], undefined, 'six usable addresses')
  t.equal(pool.allocate('port-3'), given[3])
  pool.retain(new Set(['port-3']))
  t.equal(pool.allocate('port-3'), given[3])
  t.match(pool.allocate('another'), /^169\.254\.64\.[1-6]$/)
  t.equal(
    new AddressPool('169.254.64.0/19').allocate('port-3'),
    new AddressPool('169.254.64.0/19').allocate('port-3'),
  )
})
