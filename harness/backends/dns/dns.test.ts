import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import packet from 'dns-packet'
import t from 'tap'
import { opened, say, start } from '../testing/start.ts'

type Decoded = packet.DecodedPacket & { readonly rcode?: string }

const records = [
  {
    name: 'example.org',
    type: 'SOA',
    data: {
      mname: 'ns.example.org',
      rname: 'h.example.org',
      serial: 1,
      refresh: 1,
      retry: 1,
      expire: 1,
      minimum: 7,
    },
  },
  { name: 'web.example.org', type: 'A', data: '10.1.2.3', ttl: 60 },
  { name: 'alias.example.org', type: 'CNAME', data: 'web.example.org' },
  { name: 'web.example.org', type: 'TXT', data: 'two words' },
  { name: '*.wild.example.org', type: 'A', data: '10.1.2.4' },
  ...Array.from({ length: 60 }, (_, n) => ({
    name: 'many.example.org',
    type: 'A',
    data: `10.9.0.${n}`,
  })),
]

function query(name: string, type: packet.RecordType, id = 7): Buffer {
  return packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name, type }],
  })
}

/** Datagrams that came back until one of them (or so many) answered. */
async function overUdp(
  port: number | undefined,
  message: Buffer,
  count = 1,
): Promise<readonly (Decoded & { from: number })[]> {
  const socket = createSocket('udp4')
  const got: (Decoded & { from: number })[] = []
  const done = new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('message', (bytes, { port: from }) => {
      got.push({ ...packet.decode(bytes), from })
      if (got.length === count) resolve()
    })
  })
  socket.send(message, port ?? 0, '127.0.0.1')
  await done.finally(() => socket.close())
  return got
}

async function overTcp(
  port: number | undefined,
  ...messages: readonly Buffer[]
): Promise<readonly Decoded[]> {
  const { bytes } = await say(
    port,
    messages.map((one) => Buffer.concat([Buffer.from([one.length >> 8, one.length & 255]), one])),
  )
  const all: Decoded[] = []
  for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at))
    all.push(packet.decode(bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at))))
  return all
}

t.test('records, negative answers, chains, wildcards; every query is written down', async (t) => {
  const { ports, control } = await start(t, ['dns', 'control'])
  const port = ports['dns']
  t.match(await overUdp(port, query('web.example.org', 'A')), [{ rcode: 'NXDOMAIN' }])
  await control('POST', '/behave', { dns: { records } })
  t.match(await overUdp(port, query('wEb.eXample.org', 'A')), [
    {
      id: 7,
      rcode: 'NOERROR',
      flag_ra: true,
      flag_rd: true,
      questions: [{ name: 'wEb.eXample.org' }],
      answers: [{ name: 'wEb.eXample.org', data: '10.1.2.3', ttl: 60 }],
    },
  ])
  t.match(await overUdp(port, query('alias.example.org', 'A')), [
    { answers: [{ type: 'CNAME', data: 'web.example.org' }, { data: '10.1.2.3' }] },
  ])
  t.match(await overUdp(port, query('a.b.wild.example.org', 'A')), [
    { answers: [{ data: '10.1.2.4' }] },
  ])
  t.match(await overUdp(port, query('web.example.org', 'AAAA')), [
    { rcode: 'NOERROR', answers: [], authorities: [{ type: 'SOA', data: { minimum: 7 } }] },
  ])
  t.match(await overUdp(port, query('wild.example.org', 'A')), [{ rcode: 'NOERROR', answers: [] }])
  t.match(await overUdp(port, query('no.example.org', 'A')), [
    { rcode: 'NXDOMAIN', authorities: [{ type: 'SOA' }] },
  ])
  t.match(await overUdp(port, query('many.example.org', 'A')), [{ flag_tc: true, answers: [] }])
  const [many, web] = await overTcp(
    port,
    query('many.example.org', 'A'),
    query('web.example.org', 'TXT'),
  )
  t.equal(many?.answers?.length, 60)
  t.match(web, { answers: [{ type: 'TXT' }] })
  t.match(await control('GET', '/seen?contains=eXample'), {
    matched: { dnsQueries: 1 },
    dnsQueries: [
      {
        name: 'wEb.eXample.org',
        type: 'A',
        transport: 'udp',
        id: 7,
        recursionDesired: true,
        peer: /^127/,
      },
    ],
  })
  t.match(await control('GET', '/seen?contains=many'), {
    dnsQueries: [{ transport: 'udp' }, { transport: 'tcp' }],
  })
  t.match(
    await control('POST', '/behave', { dns: { records: [{ name: 'x', type: 'A', data: 5 }] } }),
    {
      error: /^dns\.records\[0\]: got .*, which is no record/,
    },
  )
  t.match(
    await overUdp(port, query('web.example.org', 'A')),
    [{ rcode: 'NOERROR' }],
    'the old ones hold',
  )
})

t.test('rules: rcode a few times, black hole, truncation, forgeries, one transport', async (t) => {
  const { ports, control } = await start(t, ['dns', 'control'])
  const port = ports['dns']
  const ask = query('web.example.org', 'A')
  const behave = (dns: object): Promise<unknown> =>
    control('POST', '/behave', { dns: { records, ...dns } })
  await behave({ rules: [{ name: '*.example.org', rcode: 'SERVFAIL', times: 2 }] })
  for (const rcode of ['SERVFAIL', 'SERVFAIL', 'NOERROR'])
    t.match(await overUdp(port, ask), [{ rcode }])
  await behave({ rules: [{ truncate: true }] })
  t.match(await overUdp(port, ask), [{ flag_tc: true, answers: [] }])
  t.match(await overTcp(port, ask), [{ flag_tc: false, answers: [{ data: '10.1.2.3' }] }])
  await behave({ rules: [{ forge: 'id', trueAfterMs: 1 }] })
  t.match(await overUdp(port, ask, 2), [
    { id: 6, answers: [{ data: '6.6.6.6' }] },
    { id: 7, answers: [{ data: '10.1.2.3' }] },
  ])
  await behave({ rules: [{ forge: 'question', trueAfterMs: 1 }] })
  t.match(await overUdp(port, ask, 2), [
    { questions: [{ name: 'forged.web.example.org' }] },
    { answers: [{ data: '10.1.2.3' }] },
  ])
  await behave({ rules: [{ forge: 'source-port', trueAfterMs: 1 }] })
  const [lie, truth] = await overUdp(port, ask, 2)
  t.not(lie?.from, port)
  t.match(truth, { from: port, answers: [{ data: '10.1.2.3' }] })
  // why: the second query proves that the first, before it on the same connection, was let go unanswered
  await behave({ rules: [{ name: 'web.example.org', blackhole: true }] })
  t.match(await overTcp(port, ask, query('alias.example.org', 'A')), [
    { answers: [{ name: 'alias.example.org' }, {}] },
  ])
  await behave({ transports: ['udp'] })
  await t.rejects(opened(port), { code: 'ECONNREFUSED' })
  t.match(await overUdp(port, ask), [{ rcode: 'NOERROR' }])
  await behave({ transports: ['tcp'] })
  t.match(await overTcp(port, ask), [{ rcode: 'NOERROR' }])
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => {
    socket.connect(port ?? 0, '127.0.0.1', resolve)
  })
  socket.send(ask)
  t.match(await once(socket, 'error'), [{ code: 'ECONNREFUSED' }])
  socket.close()
})

t.test('what is no query is FORMERR, and written down', async (t) => {
  const { ports, control } = await start(t, ['dns', 'control'])
  const broken = Buffer.concat([query('x.org', 'A').subarray(0, 12), Buffer.from([200, 1, 2])])
  t.match(await overUdp(ports['dns'], broken), [{ id: 7, rcode: 'FORMERR' }])
  t.match(await control('GET', '/seen'), { dnsQueries: [{ malformed: /./ }] })
})
