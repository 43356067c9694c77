import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import packet from 'dns-packet'
import t from 'tap'
import type { LoadGenerator } from '../model/load.ts'
import type { Sighting, Watch, WatchTarget } from '../model/watch.ts'
import { childChannel } from '../cli/child-channel.ts'
import { connectLoad } from './client.ts'

/* A real load program and real servers, which change while they are watched. */

const signal = AbortSignal.timeout(60_000)
const withinMs = 10_000

function program(): LoadGenerator {
  const main = join(import.meta.dirname, 'main.js')
  return connectLoad([{ node: 'here', channel: childChannel(process.execPath, [main]) }])
}

function started(generator: LoadGenerator, target: WatchTarget, timeoutMs = 500): Promise<Watch> {
  const watch = generator.watch?.({ target, everyMs: 5, timeoutMs }, { signal })
  if (watch === undefined) throw new Error('one program alone can watch')
  return watch
}

async function serving(serve: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

const has =
  (seen: string) =>
  (sightings: readonly Sighting[]): boolean =>
    sightings.some((one) => one.seen === seen)

t.test('a change of who answers is dated on the clock of the harness', async (t) => {
  let name = 'a'
  const { server, port } = await serving((socket) => socket.end(`pod=${name} ip=x\n`))
  await using generator = program()
  await using watch = await started(generator, { kind: 'tcp', host: '127.0.0.1', port })
  t.ok(await watch.until(has('a'), { withinMs, signal }))
  const changedMs = performance.now()
  name = 'b'
  t.ok(await watch.until(has('b'), { withinMs, signal }))
  const first = watch.sightings.find(({ seen }) => seen === 'b')
  const lastOld = watch.sightings.findLast(({ seen }) => seen === 'a')
  // why: what was sent before the change may be accepted after it
  t.ok((first?.sentMs ?? 0) + (first?.tookMs ?? 0) >= changedMs - watch.clockErrorMs)
  t.ok((lastOld?.sentMs ?? Infinity) <= changedMs + watch.clockErrorMs + 50)
  t.ok(watch.clockErrorMs < 100, `clocks agree within ${watch.clockErrorMs} ms`)
  server.close()
  t.ok(await watch.until(has('refused'), { withinMs, signal }), 'and so is its end')
})

t.test(
  'who does not answer is given up; what is not said as it must be is malformed',
  async (t) => {
    const silent = await serving(() => undefined)
    const odd = await serving((socket) => socket.end('hello\n'))
    await using generator = program()
    for (const [{ server, port }, why] of [
      [silent, 'timed-out'],
      [odd, 'malformed'],
    ] as const) {
      await using watch = await started(generator, { kind: 'tcp', host: '127.0.0.1', port }, 50)
      t.ok(await watch.until(has(why), { withinMs, signal }), why)
      t.notOk(watch.sightings.some(({ answered }) => answered))
      server.close()
    }
  },
)

t.test('HTTP is told by the pod in its header, a proxy that gives up by its status', async (t) => {
  let answer = 'HTTP/1.1 200 OK\r\nX-Pod: web-1\r\nContent-Length: 0\r\n\r\n'
  const { server, port } = await serving((socket) => socket.once('data', () => socket.end(answer)))
  await using generator = program()
  const target = { kind: 'http', host: '127.0.0.1', port, authority: 'web' } as const
  await using watch = await started(generator, target)
  t.ok(await watch.until(has('web-1'), { withinMs, signal }))
  answer = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'
  t.ok(await watch.until(has('status 503'), { withinMs, signal }))
  server.close()
})

t.test('a connection that is kept fails from its end on, and is not made again', async (t) => {
  const open: Socket[] = []
  const { server, port } = await serving((socket) => {
    open.push(socket)
    socket.write('pod=a ip=x\n')
    socket.pipe(socket)
  })
  await using generator = program()
  await using watch = await started(generator, { kind: 'kept-tcp', host: '127.0.0.1', port })
  t.ok(
    await watch.until((seen) => seen.filter(({ answered }) => answered).length > 5, {
      withinMs,
      signal,
    }),
  )
  for (const socket of open) socket.destroy()
  t.ok(
    await watch.until((seen) => seen.slice(-5).every(({ answered }) => !answered), {
      withinMs,
      signal,
    }),
  )
  t.equal(open.length, 1)
  server.close()
})

t.test('datagrams: an answer is the pod, an address, or a name that does not exist', async (t) => {
  const who = createSocket('udp4', (message, from) => {
    who.send(`pod=u-${message.toString()} ip=x\n`, from.port, from.address)
  })
  let exists = true
  const dns = createSocket('udp4', (message, from) => {
    const { id, questions } = packet.decode(message)
    const answers = ['10.0.0.2', '10.0.0.1'].map(
      (data) => ({ type: 'A', name: 'x', data }) as const,
    )
    const flags = exists ? 0 : 3
    const answer = packet.encode({
      type: 'response',
      id,
      flags,
      questions,
      answers: exists ? answers : [],
    })
    dns.send(answer, from.port, from.address)
  })
  for (const socket of [who, dns]) {
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
  }
  await using generator = program()
  {
    const target = { kind: 'udp', host: '127.0.0.1', port: who.address().port } as const
    await using watch = await started(generator, target)
    t.ok(await watch.until(has('u-who'), { withinMs, signal }))
  }
  const target = {
    kind: 'dns',
    host: '127.0.0.1',
    port: dns.address().port,
    name: 'x.example.org',
    type: 'A',
  } as const
  await using watch = await started(generator, target)
  t.ok(await watch.until(has('10.0.0.1,10.0.0.2'), { withinMs, signal }), 'sorted')
  exists = false
  t.ok(await watch.until(has('NXDOMAIN'), { withinMs, signal }))
  who.close()
  dns.close()
})

t.test('a watch that makes no sense is refused with the value and the rule', async (t) => {
  await using generator = program()
  await t.rejects(started(generator, { kind: 'tcp', host: 'example.org', port: 0 }), {
    name: 'LoadError',
    message: /target\.host: got "example\.org", want an address; target\.port: got 0/,
  })
})
