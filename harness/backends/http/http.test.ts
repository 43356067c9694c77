import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { patternBytes } from '../../model/pattern.ts'
import { opened, say, start } from '../testing/start.ts'

/** A request of HTTP/1.1 for a path, with the connection closed after it. */
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`

t.test('it tells what arrived, byte for byte, and who answers', async (t) => {
  const { ports, control } = await start(t, ['http', 'control'])
  const head =
    'POST /a%20b?c=%2F HTTP/1.1\r\nhOST:  x\r\nX-One: 1\r\nx-one:\t2 \r\nContent-Length: 3\r\n\r\n'
  const { text } = await say(ports['http'], [head, 'abc', get('/second')])
  const [first = '', second = ''] = [...text.matchAll(/^\{.*\}$/gm)].map(([line]) => line)
  t.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*X-Pod: pod-1\r\n/)
  t.match(JSON.parse(first), {
    pod: 'pod-1',
    ip: '10.0.0.1',
    peer: /^127\.0\.0\.1:\d+$/,
    requestOnConnection: 1,
    head: Buffer.from(head).toString('base64'),
    bodyBytes: 3,
    bodySha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  })
  t.match(JSON.parse(second), { requestOnConnection: 2, connection: 1 })
  t.match(await control('GET', '/seen'), {
    connections: 1,
    requests: [{ complete: true, body: Buffer.from('abc').toString('base64') }, { bodyBytes: 0 }],
  })
})

t.test('pipelined and split requests are answered in order', async (t) => {
  const { ports } = await start(t, ['http'])
  const all = [1, 2, 3, 4].map((n) => `GET /bytes/${n} HTTP/1.1\r\nHost: x\r\n\r\n`).join('')
  const { text } = await say(ports['http'], [...(all.match(/[^]{1,3}/g) ?? []), get('/bytes/5')])
  t.same(
    [...text.matchAll(/Content-Length: (\d)/g)].map(([, n]) => n),
    ['1', '2', '3', '4', '5'],
  )
})

const malformed: readonly (readonly [string, number, RegExp])[] = [
  [
    'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
    /Transfer-Encoding and Content-Length/,
  ],
  [
    'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    400,
    /Content-Length/,
  ],
  ['GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na', 400, /Content-Length/],
  ['GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n', 400, /field line/],
  ['GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n', 400, /Transfer-Encoding/],
  [
    'GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n',
    400,
    /Transfer-Enc/,
  ],
  ['GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 501, /Transfer-Enc/],
  ['GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400, /HTTP\/1\.0/],
  ['POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n', 400, /chunk starts/],
  [
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n',
    400,
    /chunk starts/,
  ],
  [
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n',
    400,
    /longer than/,
  ],
  [
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n',
    400,
    /bare LF/,
  ],
  ['GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n', 400, /folded/],
  ['GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n', 400, /NUL/],
  ['GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n', 400, /bare CR/],
  ['GET / HTTP/1.1\nHost: x\n\n', 400, /bare LF/],
  ['GET / HTTP/1.1\r\n\r\n', 400, /no Host/],
  ['GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n', 400, /Host twice/],
  ['GET  / HTTP/1.1\r\nHost: x\r\n\r\n', 400, /request line/],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, /version is 2\.0/],
  ['\x16\x03\x01\x02\0\x01', 400, /NUL/],
]

t.test(
  'what RFC 9112 does not allow is refused, ends the connection, and is written down',
  async (t) => {
    const { ports, control } = await start(t, ['http', 'control'])
    for (const [bytes, status, why] of malformed) {
      await control('POST', '/reset')
      const { text } = await say(ports['http'], [Buffer.from(bytes, 'latin1')], {
        halfClose: false,
      })
      t.match(
        text,
        new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*Connection: close\\r\\n`),
        why.source,
      )
      t.match(await control('GET', '/seen'), { requests: [{ complete: false, malformed: why }] })
    }
    await control('POST', '/reset')
    await say(ports['http'], ['GET / HTTP/1.1\r\nHo'])
    t.match(await control('GET', '/seen'), { requests: [{ malformed: /ended inside the head/ }] })
  },
)

t.test('a chunked request with extensions and trailers is one body', async (t) => {
  const { ports, control } = await start(t, ['http', 'control'])
  const head =
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n'
  const { text } = await say(ports['http'], [
    head,
    '2;a="b;c"\r\nab\r\n1;x\r\nc\r\n0\r\nX-T: 1\r\n\r\n',
  ])
  t.match(text, /"bodyBytes":3,"bodySha256":"ba7816bf/)
  t.match(await control('GET', '/seen'), { requests: [{ trailers: ['X-T: 1'], complete: true }] })
})

t.test('bodies: bytes, chunked, until-close, trailers, sse; HTTP/1.0 gets no chunks', async (t) => {
  const { ports } = await start(t, ['http'])
  const ask = (path: string): ReturnType<typeof say> => say(ports['http'], [get(path)])
  const bodyOf = (bytes: Buffer): Buffer => bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
  const bytes = Buffer.from(patternBytes(0, 200_000))
  t.ok(bodyOf((await ask('/bytes/200000')).bytes).equals(bytes), 'bytes')
  t.ok(bodyOf((await ask('/until-close/200000')).bytes).equals(bytes), 'until close')
  const pattern = Buffer.from(patternBytes(0, 6)).toString('latin1')
  const chunked = await ask('/chunked/6?sizes=1,2')
  t.match(chunked.text, /Transfer-Encoding: chunked\r\n/)
  t.equal(
    bodyOf(chunked.bytes).toString('latin1'),
    `1\r\n${pattern[0] ?? ''}\r\n2\r\n${pattern.slice(1, 3)}\r\n1\r\n${pattern[3] ?? ''}\r\n2\r\n${pattern.slice(4)}\r\n0\r\n\r\n`,
  )
  const old = await say(ports['http'], ['GET /chunked/6 HTTP/1.0\r\n\r\n'], { halfClose: false })
  t.equal(bodyOf(old.bytes).toString('latin1'), pattern)
  t.notMatch(old.text, /Transfer-Encoding/)
  t.match(
    (await ask('/trailers')).text,
    /5\r\nbody\n\r\n0\r\nX-Checksum: 4711\r\nX-Last: yes\r\n\r\n$/,
  )
  t.equal([...(await ask('/sse/3/1')).text.matchAll(/data: \d{13}\n\n/g)].length, 3)
})

t.test('answers without a body do not shift what follows', async (t) => {
  const { ports } = await start(t, ['http'])
  const keep = (line: string): string => `${line} HTTP/1.1\r\nHost: x\r\n\r\n`
  const asked = ['HEAD /bytes/9', 'GET /status/204', 'GET /head-only', 'HEAD /chunked/9'].map(keep)
  const { text } = await say(ports['http'], [...asked, get('/status/418')])
  t.same(
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, s]) => s),
    ['200', '204', '304', '200', '418'],
  )
  t.match(text, /Content-Length: 9\r\n\r\nHTTP/)
  t.match(text, /Content-Length: 1000\r\n\r\nHTTP/)
})

t.test('1xx: continue, refused expectation, early hints', async (t) => {
  const { ports, control } = await start(t, ['http', 'control'])
  const expecting = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n`
  const socket = await opened(ports['http'])
  socket.write(expecting('/'))
  t.match(String(await once(socket, 'data')), /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  socket.write('abc')
  t.match(String(await once(socket, 'data')), /"bodyBytes":3/)
  socket.destroy()
  await control('POST', '/reset')
  const refused = await say(ports['http'], [expecting('/refuse-expect')], { halfClose: false })
  t.match(refused.text, /^HTTP\/1\.1 417 [\s\S]*Connection: close/)
  t.match(await control('GET', '/seen'), { requests: [{ bodyBytes: 0, complete: false }] })
  t.match(
    (await say(ports['http'], [get('/early-hints?count=2')])).text,
    /^(HTTP\/1\.1 103 [^\r]*\r\nLink: [^\r]*\r\n\r\n){2}HTTP\/1\.1 200 /,
  )
})

t.test('faults: cut, reset, stall, raw, close-after, status for a while', async (t) => {
  const { ports } = await start(t, ['http'])
  const ask = (path: string): ReturnType<typeof say> =>
    say(ports['http'], [get(path).replace('Connection: close\r\n', '')], { halfClose: false })
  t.match(await ask('/cut/4'), { text: /Content-Length: 9\r\n\r\n[\s\S]{4}$/, reset: false })
  t.match(await ask('/cut/4?how=rst'), { reset: true })
  t.match(await ask('/cut/4?chunked=1'), { text: /4\r\n[\s\S]{4}\r\n$/, reset: false })
  t.match(await ask('/reset'), { text: '', reset: true })
  t.match(await ask('/raw?base64=Z2FyYmFnZQ=='), { text: 'garbage' })
  t.match(await ask('/close-after/10'), { text: /\r\n\r\nkept\n$/, reset: false })
  const socket = await opened(ports['http'])
  const request = get('/close-after/0?on=request').replace('Connection: close\r\n', '')
  socket.write(request)
  t.match(String(await once(socket, 'data')), /kept\n$/)
  socket.write('G')
  await once(socket, 'end')
  socket.destroy()
  const codes = [1, 2, 3].map(async () => (await ask1(ports['http'])).slice(9, 12))
  t.same((await Promise.all(codes)).sort(), ['200', '503', '503'])
})

async function ask1(port: number | undefined): Promise<string> {
  return (await say(port, [get('/status/503?times=2')])).text
}

t.test('WebSocket: text, binary, ping, close code; other tokens echo bytes', async (t) => {
  const { ports, control } = await start(t, ['http', 'control'])
  const socket = new WebSocket(`ws://127.0.0.1:${String(ports['http'])}/any`)
  const pods: unknown[] = []
  socket.on('upgrade', ({ headers }) => pods.push(headers['x-pod']))
  await once(socket, 'open')
  t.same(pods, ['pod-1'])
  socket.send('text')
  t.match(await once(socket, 'message'), [Buffer.from('text'), false])
  const binary = Buffer.from(patternBytes(0, 1024 * 1024))
  socket.send(binary)
  t.match(await once(socket, 'message'), [binary, true], '1 MiB')
  socket.ping('p')
  t.equal(String(await once(socket, 'pong')), 'p')
  socket.close(4321, 'why')
  t.match(await once(socket, 'close'), [4321])
  t.match(await control('GET', '/seen'), { requests: [{ complete: true }] })
  const { text } = await say(ports['http'], [
    'GET /switch HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: chat/7\r\n\r\nfirst',
    ' then',
  ])
  t.match(text, /^HTTP\/1\.1 101 [\s\S]*Upgrade: chat\/7\r\n[\s\S]*\r\n\r\nfirst then$/)
})

t.test('64 MiB up and a peer that does not read: memory stays', async (t) => {
  const { ports, control } = await start(t, ['http', 'control'])
  const size = 64 * 1024 * 1024
  const head = `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`
  const { text } = await say(ports['http'], [head, Buffer.alloc(size)])
  t.match(text, `"bodyBytes":${size}`)
  t.match(await control('GET', '/seen'), { open: 0 })
})
