import { createHash } from 'node:crypto'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Observation } from '../model/probe.ts'
import { childChannel } from '../cli/child-channel.ts'
import { cannotRunNginx, freePort, startNginx } from '../testing/nginx.ts'
import { connectProbe } from './client.ts'

const { signal } = new AbortController()
const probe = connectProbe(childChannel(process.execPath, [join(import.meta.dirname, 'main.js')]))
t.teardown(() => probe[Symbol.asyncDispose]())

const head = 'HTTP/1.1 200 OK\r\n'
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`

/** A server that reads a request and then does one thing. Gives the URL, and what was asked of it. */
async function served(
  t: Test,
  answer: (socket: Socket) => void,
): Promise<{ readonly url: string; readonly asked: () => string }> {
  let asked = ''
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      asked += chunk.toString('latin1')
      if (asked.includes('\r\n\r\n')) answer(socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, asked: () => asked }
}

function get(url: string, part: object = {}): Promise<Observation> {
  return probe.run({ kind: 'http', url, timeoutMs: 5_000, ...part }, { signal })
}

t.test('bodies arrive whole however they are framed, byte by byte too', async (t) => {
  const framed: readonly (readonly [string, string, string])[] = [
    ['Content-Length', `${head}Content-Length: 5\r\n\r\nhello`, 'hello'],
    ['chunks', `${chunked}3\r\nhel\r\n2;ext="a;b"\r\nlo\r\n0\r\n\r\n`, 'hello'],
    ['chunks with a trailer', `${chunked}5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`, 'hello'],
    ['the end of the connection', `${head}\r\nhello`, 'hello'],
    ['none at all, 204', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
    [
      'an interim answer before it',
      `HTTP/1.1 103 Early\r\nLink: x\r\n\r\n${head}Content-Length: 2\r\n\r\nok`,
      'ok',
    ],
  ]
  for (const [name, bytes, body] of framed)
    for (const pieces of [[bytes], Array.from(bytes)]) {
      const { url } = await served(t, (socket) => {
        for (const piece of pieces) socket.write(piece)
        socket.end()
      })
      t.match(
        await get(url),
        {
          kind: 'http',
          body,
          bodyBytes: body.length,
          bodySha256: createHash('sha256').update(body).digest('hex'),
        },
        `${name}, in ${pieces.length} pieces`,
      )
    }
})

t.test('what is not HTTP or contradicts itself is malformed, and says where', async (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['220 smtp ready\r\n\r\n', /status line is "220 smtp ready"/],
    [`${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, /Content-Length says 5 and 6/],
    [`${head}Content-Length: five\r\n\r\n`, /Content-Length is "five"/],
    [`${head}No colon\r\n\r\n`, /header line is "No colon"/],
    [`${chunked}xyz\r\n`, /chunk size is "xyz"/],
    [`${chunked}2\r\nhello\r\n`, /longer than its size/],
    [`${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, /both/],
  ]
  for (const [bytes, detail] of wrong) {
    const { url } = await served(t, (socket) => socket.end(bytes))
    t.match(await get(url), { kind: 'malformed', detail })
  }
})

t.test('refused, reset, closed and silence are four observations', async (t) => {
  t.match(await get(`http://127.0.0.1:${await freePort()}/`), {
    kind: 'refused',
    detail: /ECONNREFUSED/,
  })

  const reset = await served(t, (socket) => {
    socket.write(`${head}Content-Length: 500\r\n\r\nhel`)
    setTimeout(() => socket.resetAndDestroy(), 20)
  })
  t.match(await get(reset.url), { kind: 'reset', detail: /ECONNRESET/ })

  const cut = await served(t, (socket) => socket.end(`${head}Content-Length: 500\r\n\r\nhel`))
  t.match(await get(cut.url), { kind: 'closed', detail: /after 3 of 500 bytes/ })

  const unchunked = await served(t, (socket) => socket.end(`${chunked}5\r\nhel`))
  t.match(await get(unchunked.url), { kind: 'closed', detail: /inside a chunk/ })

  const nothing = await served(t, (socket) => socket.end())
  t.match(await get(nothing.url), { kind: 'closed', detail: /before the first byte/ })

  const silent = await served(t, () => undefined)
  t.match(await get(silent.url, { timeoutMs: 80 }), { kind: 'timed-out', detail: /within 80 ms/ })
})

t.test('the request says what it was told to say, and no more', async (t) => {
  const { url, asked } = await served(t, (socket) => socket.end('HTTP/1.1 204 Done\r\n\r\n'))
  await get(`${url}a%20b?c=d`, {
    method: 'PUT',
    headers: [
      ['host', 'other.example.org'],
      ['X-Two', '1'],
      ['X-Two', '2'],
    ],
    body: 'grüße',
  })
  t.equal(
    asked(),
    'PUT /a%20b?c=d HTTP/1.1\r\nUser-Agent: meshmark-probe\r\nConnection: close\r\n' +
      `Content-Length: 7\r\nhost: other.example.org\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n${Buffer.from('grüße').toString('latin1')}`,
  )
})

t.test('a body of 40 MiB is hashed whole and told in part', async (t) => {
  const piece = Buffer.alloc(1024 * 1024, 'x')
  const { url } = await served(t, (socket) => {
    socket.write(`${head}Content-Length: ${40 * piece.length}\r\n\r\n`)
    for (let count = 0; count < 40; count += 1) socket.write(piece)
  })
  const seen = await get(url, { timeoutMs: 60_000 })
  const hash = createHash('sha256')
  for (let count = 0; count < 40; count += 1) hash.update(piece)
  t.match(seen, { kind: 'http', bodyBytes: 40 * piece.length, bodySha256: hash.digest('hex') })
  t.equal(seen.kind === 'http' && seen.body.length, piece.length)
})

t.test(
  'a real nginx: its page, its 404, a HEAD without a body',
  { skip: cannotRunNginx() },
  async (t) => {
    await using nginx = await startNginx(
      'location = / { return 200 "page\\n"; } location / { return 404; }',
    )
    const url = `http://localhost:${nginx.port}/`
    t.match(await get(url), {
      kind: 'http',
      status: 200,
      body: 'page\n',
      remote: { port: nginx.port },
    })
    t.match(await get(`${url}no`), { kind: 'http', status: 404 })
    t.match(await get(url, { method: 'HEAD' }), { kind: 'http', status: 200, bodyBytes: 0 })
  },
)

t.test('many jobs at once each get their own answer', async (t) => {
  const { url } = await served(t, (socket) => socket.end(`${head}\r\nmine`))
  const jobs = Array.from({ length: 100 }, (_, index) =>
    index % 2 === 0
      ? get(url)
      : probe.run(
          { kind: 'command', argv: ['echo', String(index)], timeoutMs: 20_000 },
          { signal },
        ),
  )
  for (const [index, seen] of (await Promise.all(jobs)).entries())
    t.match(seen, index % 2 === 0 ? { body: 'mine' } : { stdout: `${index}\n` })
})

t.test('a job that is given up is answered no more, and the next one is', async (t) => {
  const { url } = await served(t, () => undefined)
  const control = new AbortController()
  const job = probe.run({ kind: 'http', url, timeoutMs: 60_000 }, { signal: control.signal })
  control.abort(new Error('enough'))
  await t.rejects(job, { message: 'enough' })
  t.match(await get(`http://127.0.0.1:${await freePort()}/`), { kind: 'refused' })
})

t.test('jobs that make no sense are refused with field, value and rule', async (t) => {
  const wrong: readonly (readonly [object, string])[] = [
    [{ kind: 'smtp' }, 'kind: got "smtp", want one of http, resolve, dns, tcp, udp, command'],
    [{ kind: 'http', url: 'ftp://a/' }, 'url: got "ftp://a/", want an http:// URL'],
    [
      { kind: 'http', url: 'http://a/', headers: [['X', 'a\r\nb']] },
      'headers: got [["X","a\\r\\nb"]], want a list of [name, value] without line breaks',
    ],
    [{ kind: 'resolve', name: 'a', family: 5 }, 'family: got 5, want 4 or 6'],
    [
      { kind: 'udp', host: 'a', port: 0, send: '' },
      'port: got 0, want a whole number from 1 to 65535',
    ],
    [
      { kind: 'dns', name: 'a', type: 'B', transport: 'udp' },
      'type: got "B", want a record type like A, SRV or TYPE65',
    ],
    [
      { kind: 'dns', name: 'x'.repeat(64), type: 'A', transport: 'udp' },
      `name: got "${'x'.repeat(64)}", want a domain name: labels of 1 to 63 bytes, 255 in all`,
    ],
    [{ kind: 'command', argv: [] }, 'argv: got [], want a list of words, the first not empty'],
    [
      { kind: 'command', argv: ['true'], timeoutMs: 0 },
      'timeoutMs: got 0, want a number from 1 to 600000',
    ],
  ]
  for (const [job, message] of wrong)
    await t.rejects(probe.run({ timeoutMs: 1_000, ...job } as never, { signal }), {
      code: 'bad-job',
      message,
    })
})
