import { decode, encode } from 'dns-packet'
import t from 'tap'
import type { ServiceView } from '../kube/snapshot.ts'
import { question, summary } from '../testing/dns-client.ts'
import { endpoint, headless, port, service, snapshotOf } from '../testing/snapshots.ts'
import { DnsCounters } from './counters.ts'
import { Forwarder } from './forwarder.ts'
import { Responder } from './responder.ts'

const zone = 'cluster.local'

/** A responder without upstream servers: it refuses what is not in its zone. */
function serve(services: readonly ServiceView[], domain = zone): Responder {
  const counters = new DnsCounters()
  const responder = new Responder({
    domain,
    ttlSeconds: 5,
    negativeTtlSeconds: 5,
    serverAddress: '169.254.96.16',
    forwarder: new Forwarder({ servers: [], counters }),
    counters,
  })
  responder.update(snapshotOf(services))
  return responder
}

async function answer(responder: Responder, message: Buffer, overTcp = false): Promise<Buffer> {
  const reply = await responder.respond(message, overTcp)
  if (reply === undefined) throw new Error('no answer')
  return reply
}

async function ask(responder: Responder, name: string, type = 'A'): Promise<readonly string[]> {
  return summary(await answer(responder, encode(question(name, type))))
}

/** NXDOMAIN or NODATA with the SOA of the zone: `NXDOMAIN SOA cluster.local 5`. */
async function negative(responder: Responder, name: string, type = 'A'): Promise<string> {
  const packet = decode(await answer(responder, encode(question(name, type))))
  const [soa] = packet.authorities ?? []
  const data = soa?.type === 'SOA' ? `${soa.name} ${soa.data.minimum ?? 0}` : 'none'
  const { rcode } = packet as unknown as { rcode: string }
  return `${rcode} ${packet.answers?.length ?? 0} SOA ${data}`
}

const nothing = `NOERROR 0 SOA ${zone} 5`
const missing = `NXDOMAIN 0 SOA ${zone} 5`

t.test('a Service has its ClusterIP and nothing else', async (t) => {
  const r = serve([
    service('web', { type: 'NodePort', ports: [port('http', 80, { nodePort: 30080 })] }),
    service('web', { namespace: 'other', clusterIps: ['10.96.0.11'] }),
  ])
  t.same(await ask(r, `web.default.svc.${zone}`), [
    'NOERROR',
    `web.default.svc.${zone} A 10.96.0.10`,
  ])
  t.same(await ask(r, `web.other.svc.${zone}`), ['NOERROR', `web.other.svc.${zone} A 10.96.0.11`])
  for (const type of ['AAAA', 'MX', 'TXT', 'NS', 'CAA', 'CNAME', 'HTTPS', 'UNKNOWN_65280'])
    t.equal(await negative(r, `web.default.svc.${zone}`, type), nothing, type)
})

t.test('IPv6 ClusterIPs are AAAA records, families are kept apart', async (t) => {
  const r = serve([
    service('dual', { clusterIps: ['10.96.0.1', 'fd00::1:2'] }),
    service('six', { clusterIps: ['fd00:0:0:1::7'] }),
  ])
  t.same(await ask(r, `dual.default.svc.${zone}`), [
    'NOERROR',
    `dual.default.svc.${zone} A 10.96.0.1`,
  ])
  t.same(await ask(r, `dual.default.svc.${zone}`, 'AAAA'), [
    'NOERROR',
    `dual.default.svc.${zone} AAAA fd00::1:2`,
  ])
  t.equal(await negative(r, `six.default.svc.${zone}`), nothing)
  const nibbles = '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f'
  t.same(await ask(r, `${nibbles}.ip6.arpa`, 'PTR'), [
    'NOERROR',
    `${nibbles}.ip6.arpa PTR six.default.svc.${zone}`,
  ])
})

t.test('names that do not exist are NXDOMAIN, names between are empty', async (t) => {
  const r = serve([service('web', { ports: [port('http', 80)] }), service('any')])
  for (const name of [
    `nobody.default.svc.${zone}`,
    `web.nowhere.svc.${zone}`,
    `nowhere.svc.${zone}`,
    `www.example.com.default.svc.${zone}`,
    `*.default.svc.${zone}`,
    `x.web.default.svc.${zone}`,
    `10-244-0-1.default.pod.${zone}`,
    `other.${zone}`,
  ])
    t.equal(await negative(r, name), missing, name)
  for (const name of [zone, `svc.${zone}`, `default.svc.${zone}`, `_tcp.web.default.svc.${zone}`])
    t.equal(await negative(r, name), nothing, name)
})

t.test('named ports have SRV records that lead to the Service', async (t) => {
  const r = serve([
    service('web', {
      ports: [port('http', 80), port('https', 443), port('dns', 53, { protocol: 'UDP' })],
    }),
    service('one', { ports: [port('', 80)] }),
  ])
  const owner = `web.default.svc.${zone}`
  for (const [name, number] of [
    ['_http._tcp', 80],
    ['_https._tcp', 443],
    ['_dns._udp', 53],
  ])
    t.same(await ask(r, `${name}.${owner}`, 'SRV'), [
      'NOERROR',
      `${name}.${owner} SRV 0 100 ${number} ${owner}`,
    ])
  const additional = decode(
    await answer(r, encode(question(`_http._tcp.${owner}`, 'SRV'))),
  ).additionals
  t.match(additional, [{ name: owner, type: 'A', data: '10.96.0.10' }])
  t.equal(await negative(r, `_http._udp.${owner}`, 'SRV'), missing)
  t.equal(await negative(r, `_._tcp.one.default.svc.${zone}`, 'SRV'), missing)
  t.equal(await negative(r, `_http._tcp.${owner}`, 'A'), nothing)
  t.equal((await ask(r, owner, 'SRV')).length, 4, 'one per port at the bare name')
})

t.test('a headless Service has its ready endpoints, by name and by address', async (t) => {
  const r = serve([
    headless(
      'db',
      [
        endpoint('10.244.1.1', { hostname: 'db-0' }),
        endpoint('10.244.1.2', { hostname: 'db-1' }),
        endpoint('10.244.1.3'),
        endpoint('10.244.1.4', { hostname: 'db-3', ready: false }),
        endpoint('10.244.1.5', { hostname: 'db-0' }),
      ],
      [port('sql', 5432)],
    ),
    headless('bare', [endpoint('10.244.2.1')]),
    headless('down', [endpoint('10.244.3.1', { ready: false })]),
    headless('early', [endpoint('10.244.4.1', { ready: false })], [], {
      publishNotReadyAddresses: true,
    }),
  ])
  const owner = `db.default.svc.${zone}`
  const a = (name: string, ...addresses: string[]): string[] => [
    'NOERROR',
    ...addresses.map((address) => `${name} A ${address}`),
  ]
  t.same(await ask(r, owner), a(owner, '10.244.1.1', '10.244.1.2', '10.244.1.3', '10.244.1.5'))
  t.same(await ask(r, `db-0.${owner}`), a(`db-0.${owner}`, '10.244.1.1', '10.244.1.5'))
  t.same(await ask(r, `10-244-1-3.${owner}`), a(`10-244-1-3.${owner}`, '10.244.1.3'))
  t.equal(await negative(r, `db-3.${owner}`), missing)
  t.equal(await negative(r, `bogus.${owner}`), missing)
  t.equal(await negative(r, owner, 'AAAA'), nothing)
  t.same(await ask(r, `bare.default.svc.${zone}`), a(`bare.default.svc.${zone}`, '10.244.2.1'))
  t.equal(await negative(r, `down.default.svc.${zone}`), missing)
  t.same(await ask(r, `early.default.svc.${zone}`), a(`early.default.svc.${zone}`, '10.244.4.1'))
  t.same(await ask(r, `_sql._tcp.${owner}`, 'SRV'), [
    'NOERROR',
    ...['10-244-1-3', 'db-0', 'db-1'].map(
      (name) => `_sql._tcp.${owner} SRV 0 25 5432 ${name}.${owner}`,
    ),
  ])
  t.same(await ask(r, '2.1.244.10.in-addr.arpa', 'PTR'), [
    'NOERROR',
    `2.1.244.10.in-addr.arpa PTR db-1.${owner}`,
  ])
  t.same(await ask(r, '4.1.244.10.in-addr.arpa', 'PTR'), ['REFUSED'], 'not ready: not ours')
})

t.test('a ClusterIP leads back to its Service', async (t) => {
  const r = serve([service('web')])
  t.same(await ask(r, '10.0.96.10.in-addr.arpa', 'PTR'), [
    'NOERROR',
    `10.0.96.10.in-addr.arpa PTR web.default.svc.${zone}`,
  ])
  t.equal(await negative(r, '10.0.96.10.in-addr.arpa', 'A'), nothing)
})

t.test('an ExternalName is a CNAME, followed where it stays in the zone', async (t) => {
  const external = (name: string, externalName: string): ServiceView =>
    service(name, { type: 'ExternalName', clusterIps: [], externalName })
  const r = serve([
    service('web'),
    external('inside', `web.default.svc.${zone}`),
    external('outside', 'www.Example.com.'),
    external('loop', `loop.default.svc.${zone}`),
  ])
  const name = (label: string): string => `${label}.default.svc.${zone}`
  const packet = decode(await answer(r, encode(question(name('inside')))))
  t.match(
    packet.answers,
    [
      { name: name('inside'), type: 'CNAME', data: name('web') },
      { name: name('web'), type: 'A', data: '10.96.0.10' },
    ],
    'CNAME first',
  )
  t.same(await ask(r, name('outside'), 'CNAME'), [
    'NOERROR',
    `${name('outside')} CNAME www.example.com`,
  ])
  t.same(await ask(r, name('outside')), ['SERVFAIL', `${name('outside')} CNAME www.example.com`])
  t.equal((await ask(r, name('loop')))[0], 'SERVFAIL')
  t.equal(await negative(r, `x.${name('outside')}`), missing)
  t.equal(await negative(r, `_http._tcp.${name('outside')}`, 'SRV'), missing)
})

t.test('the zone says what it is', async (t) => {
  const r = serve([])
  t.same(await ask(r, `dns-version.${zone}`, 'TXT'), ['NOERROR', `dns-version.${zone} TXT 1.1.0`])
  const first = decode(await answer(r, encode(question(zone, 'SOA')))).answers?.[0]
  r.update(snapshotOf([]))
  const second = decode(await answer(r, encode(question(zone, 'SOA')))).answers?.[0]
  if (first?.type !== 'SOA' || second?.type !== 'SOA') throw new Error('no SOA')
  t.ok((second.data.serial ?? 0) > (first.data.serial ?? 0), 'the serial counts up')
  t.same(await ask(r, zone, 'NS'), ['NOERROR', `${zone} NS ns.dns.${zone}`])
  t.same(await ask(r, `ns.dns.${zone}`), ['NOERROR', `ns.dns.${zone} A 169.254.96.16`])
})

t.test('another cluster domain is served, and only that', async (t) => {
  const r = serve([service('web')], 'edge.test')
  t.same(await ask(r, 'web.default.svc.edge.test'), [
    'NOERROR',
    'web.default.svc.edge.test A 10.96.0.10',
  ])
  t.same(await ask(r, `web.default.svc.${zone}`), ['REFUSED'])
})

t.test('the answer repeats ID, RD, and the question as it was written', async (t) => {
  const r = serve([service('web')])
  for (const casing of ['wEb.DEFAULT.svc.ClusteR.lOCAL', `web.default.svc.${zone}`]) {
    const query = encode(question(casing, 'A', { id: 0xbeef }))
    for (const message of [query, query]) {
      const reply = await answer(r, message)
      t.equal(reply.readUInt16BE(0), 0xbeef)
      t.ok(reply.subarray(12, query.length).equals(query.subarray(12)), 'byte for byte')
      t.match(decode(reply), {
        flag_qr: true,
        flag_aa: true,
        flag_rd: true,
        flag_ra: false,
        answers: [{ name: casing, data: '10.96.0.10' }],
      })
    }
  }
})

t.test('a change of the Services shows in the next answer', async (t) => {
  const r = serve([service('web')])
  const name = `web.default.svc.${zone}`
  t.equal((await ask(r, name))[1], `${name} A 10.96.0.10`)
  r.update(snapshotOf([service('web', { clusterIps: ['10.96.0.99'] })]))
  t.equal((await ask(r, name))[1], `${name} A 10.96.0.99`)
  r.update(snapshotOf([]))
  t.equal(await negative(r, name), missing)
})

t.test('before the cluster is known, its names are SERVFAIL', async (t) => {
  const counters = new DnsCounters()
  const r = new Responder({
    domain: zone,
    ttlSeconds: 5,
    negativeTtlSeconds: 5,
    serverAddress: '127.0.0.1',
    forwarder: new Forwarder({ servers: [], counters }),
    counters,
  })
  t.same(await ask(r, `web.default.svc.${zone}`), ['SERVFAIL'])
  t.same(await ask(r, '1.0.96.10.in-addr.arpa', 'PTR'), ['SERVFAIL'])
  t.equal(counters.answers.get('SERVFAIL'), 2)
})

t.test('EDNS is answered in kind', async (t) => {
  const r = serve([service('web')])
  const name = `web.default.svc.${zone}`
  const opt = (change: object = {}): object => ({
    type: 'OPT',
    name: '.',
    udpPayloadSize: 4096,
    flags: 0,
    options: [{ code: 65_001, data: Buffer.from('x') }],
    ...change,
  })
  const withOpt = (...records: readonly object[]): Buffer =>
    encode(question(name, 'A', { additionals: records as never }))
  const plain = decode(await answer(r, encode(question(name))))
  t.equal(plain.additionals?.length, 0, 'none when none was sent')
  const reply = decode(await answer(r, withOpt(opt({ flags: 0xffff }))))
  t.match(reply.additionals, [{ type: 'OPT', udpPayloadSize: 1232, ednsVersion: 0, options: [] }])
  t.match(reply.additionals, [{ flags: 0x8000 }], 'DO is copied, reserved bits are zero')
  const future = withOpt(opt())
  future[future.length - opaqueLength + 6] = 1
  const bad = await answer(r, future)
  t.match(decode(bad).additionals, [{ type: 'OPT', ednsVersion: 0, extendedRcode: 1 }], 'BADVERS')
  t.same(summary(await answer(r, withOpt(opt(), opt()))), ['FORMERR'], 'two OPT records')
})

/** Length of the OPT record of the test above: fixed part, option header, one octet. */
const opaqueLength = 11 + 5

t.test('answers are cut to what the client takes, and complete over TCP', async (t) => {
  const addresses = Array.from({ length: 150 }, (_, i) => `10.244.9.${i + 1}`)
  const r = serve([
    headless(
      'many',
      addresses.map((address) => endpoint(address)),
    ),
  ])
  const name = `many.default.svc.${zone}`
  const sized = (udpPayloadSize: number): Buffer =>
    encode(
      question(name, 'A', {
        additionals: [{ type: 'OPT', name: '.', udpPayloadSize, flags: 0, options: [] }] as never,
      }),
    )
  for (const [query, limit] of [
    [encode(question(name)), 512],
    [sized(100), 512],
    [sized(1232), 1232],
    [sized(65_000), 1232],
  ] as const) {
    const reply = await answer(r, query)
    t.ok(reply.length <= limit && reply.length > limit - 40, `${reply.length} of ${limit}`)
    t.match(decode(reply), { flag_tc: true })
  }
  const whole = decode(await answer(r, encode(question(name)), true))
  t.match(whole, { flag_tc: false })
  t.same(
    new Set(whole.answers?.map((one) => (one.type === 'A' ? one.data : ''))),
    new Set(addresses),
  )
})

t.test('what is no question for us is refused in its own way', async (t) => {
  const r = serve([service('web')])
  const name = `web.default.svc.${zone}`
  t.same(await ask(r, 'example.com'), ['REFUSED'], 'outside the zone, nobody to ask')
  t.same(await ask(r, zone, 'AXFR'), ['REFUSED'])
  t.same(await ask(r, zone, 'IXFR'), ['REFUSED'])
  const chaos = encode(question(name, 'TXT'))
  chaos.writeUInt16BE(3, chaos.length - 2)
  t.same(summary(await answer(r, chaos)), ['REFUSED'], 'class CH')
  t.match((await ask(r, name, 'ANY')).join(), /NOERROR.*HINFO/)
  t.match((await ask(r, `no.${name}`, 'ANY')).join(), /NXDOMAIN/)
  for (const opcode of [2, 4, 5, 15]) {
    const message = encode(question(name))
    message[2] = (opcode << 3) | 1
    const reply = await answer(r, message)
    t.same(
      [reply.readUInt16BE(0), (reply[2] ?? 0) >> 3, (reply[3] ?? 0) & 0xf],
      [4711, 16 | opcode, 4],
    )
  }
  for (const count of [0, 2, 65_535]) {
    const message = encode(question(name))
    message.writeUInt16BE(count, 4)
    t.same(summary(await answer(r, message)), ['FORMERR'], `${count} questions`)
  }
  const response = encode(question(name))
  response[2] = 0x80
  t.equal(await r.respond(response, false), undefined, 'a response gets no answer')
  t.equal(await r.respond(Buffer.alloc(11), false), undefined, 'nor does half a header')
})
