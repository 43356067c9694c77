import t from 'tap'
import { eventually } from '../../testing/eventually.ts'
import { type Client, proxyFixture, scriptedBackend } from '../testing/http-fixture.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'
const get = 'GET / HTTP/1.1\r\nHost: web\r\n\r\n'

t.test('idle connections make room for new ones', async (t) => {
  await using backend = await scriptedBackend((socket) => void socket.write(ok))
  await using fixture = await proxyFixture({ maxClientConnections: 4 })
  fixture.serve([backend])
  const idle: Client[] = []
  for (let count = 1; count <= 4; count += 1) {
    idle.push(await fixture.client())
    await eventually(() => {
      if (fixture.proxy.connectionCount < count) throw new Error('not accepted yet')
    })
  }
  const client = await fixture.client()
  client.send(get)
  t.match(await client.until(/hi$/), /^HTTP\/1.1 200/)
  t.equal(fixture.proxy.connectionCount, 4)
  await eventually(() => {
    if (idle[0]?.state === 'open') throw new Error('still open')
  })
  t.equal(idle[3]?.state, 'open')
})

t.test(
  'requests that do not become whole are refused when there is no room for them',
  async (t) => {
    await using backend = await scriptedBackend((socket) => void socket.write(ok))
    await using fixture = await proxyFixture({ maxInputBytes: 100_000 })
    fixture.serve([backend])
    const half = `GET / HTTP/1.1\r\nHost: web\r\nX-Long: ${'x'.repeat(30_000)}`
    const greedy = await Promise.all(Array.from({ length: 8 }, () => fixture.client()))
    for (const client of greedy) client.send(half)
    await eventually(() => {
      const refused = greedy.filter(({ text }) => text.startsWith('HTTP/1.1 503')).length
      if (refused < 5) throw new Error(`${refused} refused`)
    })
    const client = await fixture.client()
    client.send(get)
    t.match(await client.until(/hi$/), /^HTTP\/1.1 200/, 'a whole request needs no room')
    const waiting = greedy.filter(({ text }) => text === '')
    t.ok(waiting.length > 0 && waiting.length <= 3, `${waiting.length} wait`)
    for (const one of waiting) one.send('\r\n\r\n')
    await Promise.all(waiting.map((one) => one.until(/hi$/)))
    for (const { socket } of greedy) socket.destroy()
    const again = await fixture.client()
    again.send(half)
    again.send('\r\n\r\n')
    t.match(await again.until(/hi$/), /^HTTP\/1.1 200/, 'what is over is given back')
  },
)
