import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { patternBytes } from '../model/pattern.ts'
import { parseArguments } from './arguments.ts'
import { opened, say, start } from './testing/start.ts'

t.test('arguments that make no sense: one line with the value and the rule, code 2', (t) => {
  for (const [args, words] of [
    [['--tcp', '70000'], /^--tcp: got 70000, want 0 to 65535$/],
    [['--http', 'x:80'], /^--http: got x:80, want PORT or ADDRESS:PORT$/],
    [['--sctp', '1'], /^got --sctp, want one of --http, .*$/],
    [['--drain', '-1'], /^--drain: got -1, want 0 to 600000$/],
    [['--tcp'], /^--tcp: got nothing, want a value$/],
    [[], /^got no port to listen on, want --tcp 9000 or the like$/],
  ] as const) {
    t.throws(() => parseArguments(args), { message: words }, args.join(' '))
  }
  const main = join(import.meta.dirname, 'main.js')
  const wrong = spawnSync(process.execPath, [main, '--tcp', '-1'], { encoding: 'utf8' })
  t.match(wrong, { status: 2, stderr: 'backend: --tcp: got -1, want PORT or ADDRESS:PORT\n' })
  t.same(parseArguments(['--dns', '10.0.0.1:53', '--tcp', '[::1]:0', '--drain', '5']), {
    listeners: [
      { protocol: 'dns', address: '10.0.0.1', port: 53 },
      { protocol: 'tcp', address: '::1', port: 0 },
    ],
    drainMs: 5,
  })
  t.end()
})

t.test('tcp speaks first, echoes, and ends after its last byte', async (t) => {
  const { ports, control } = await start(t, ['tcp', 'control'])
  const bytes = Buffer.from(patternBytes(0, 3_000_000))
  const { bytes: back, reset } = await say(ports['tcp'], [bytes])
  const line = back.subarray(0, back.indexOf(10) + 1).toString()
  t.match(line, /^pod=pod-1 ip=10\.0\.0\.1 port=\d+ peer=127\.0\.0\.1:\d+\n$/)
  t.ok(back.subarray(line.length).equals(bytes), 'every byte came back')
  t.notOk(reset)
  t.match(await control('GET', '/seen'), {
    connections: 1,
    streams: [{ protocol: 'tcp', bytes: 3_000_000, sha256: sha256(bytes), ended: 'end' }],
  })
})

t.test('control: a backend is a client itself', async (t) => {
  const { ports, control } = await start(t, ['tcp', 'control'])
  const to = { host: '127.0.0.1', port: ports['tcp'] ?? 0 }
  const { answers } = (await control('POST', '/dial', { ...to, times: 2 })) as {
    readonly answers: readonly string[]
  }
  t.equal(answers.length, 2)
  for (const answer of answers) t.match(answer, /^pod=pod-1 .* peer=127\.0\.0\.1:\d+$/)
  await control('POST', '/behave', { tcp: { refuse: true } })
  t.same(await control('POST', '/dial', to), { answers: [], failures: { ECONNREFUSED: 1 } })
  t.match(await control('POST', '/dial', { port: 1 }), { error: 'host: want an address' })
})

t.test('commands: echo, sink, source, end-first, reset-after, slow-sink', async (t) => {
  const { ports, control } = await start(t, ['command', 'control'])
  const port = ports['command']
  const bytes = Buffer.from(patternBytes(0, 1_000_000))
  t.ok((await say(port, ['echo\n', bytes])).bytes.equals(bytes), 'echo')
  t.equal((await say(port, ['sink\n', bytes])).text, `1000000 ${sha256(bytes)}\n`)
  t.equal((await say(port, ['slow-sink 100000000\nabc'])).text, `3 ${sha256('abc')}\n`)
  const source = await say(port, ['source 1000000\n', 'x'.repeat(1000)], { halfClose: false })
  t.ok(source.bytes.equals(bytes), 'source')
  t.equal((await say(port, ['end-first\n'], { halfClose: false })).text, '')
  t.match(await say(port, ['reset-after 5\n', '12345'], { halfClose: false }), { reset: true })
  t.match((await say(port, ['dance\n'])).text, /^unknown command "dance"; want echo, sink/)

  const socket = await opened(port)
  socket.resume().write('end-first\n')
  await once(socket, 'end')
  socket.end('late bytes')
  const late = await untilSeen(t, () => control('GET', '/seen?contains=end-first&last=1'), {
    streams: [{ bytes: 10, ended: 'end', sha256: sha256('late bytes') }],
  })
  t.ok(late, 'what comes after its FIN is counted')
})

t.test('a silent connection takes nothing: the peer can not send without end', async (t) => {
  const { ports } = await start(t, ['command'])
  const socket = await opened(ports['command'])
  t.teardown(() => socket.destroy())
  socket.write('silent\n')
  // why: more than the buffers of both ends hold
  const isTaken = await new Promise<boolean>((resolve) => {
    socket.write(Buffer.alloc(64 * 1024 * 1024), () => {
      resolve(true)
    })
    setTimeout(() => {
      resolve(false)
    }, 500)
  })
  t.notOk(isTaken)
})

t.test('datagrams of every size come back; who, delay, burst', async (t) => {
  const { ports, control } = await start(t, ['udp', 'control'])
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const ask = async (bytes: Uint8Array | string, count = 1): Promise<readonly Buffer[]> => {
    const got: Buffer[] = []
    const done = new Promise<void>((resolve) => {
      socket.on('message', (message) => {
        got.push(message)
        if (got.length === count) resolve()
      })
    })
    socket.send(bytes, ports['udp'] ?? 0, '127.0.0.1')
    await done
    socket.removeAllListeners('message')
    return got
  }
  for (const size of [0, 1, 1472, 4097, 65_507]) {
    const bytes = Buffer.from(patternBytes(0, size))
    t.ok((await ask(bytes))[0]?.equals(bytes), `${size} bytes`)
  }
  t.match(String(await ask('who')), /^pod=pod-1 ip=10\.0\.0\.1 port=\d+ peer=127\.0\.0\.1:\d+\n$/)
  t.equal(String(await ask('delay 20 later')), 'later')
  t.equal(String(await ask('burst 5', 5)), '1,2,3,4,5')
  t.match(await control('GET', '/seen?last=1&contains=burst'), {
    matched: { datagrams: 1 },
    datagrams: [{ bytes: 7, data: Buffer.from('burst 5').toString('base64') }],
  })
})

t.test('control: refuses, is deaf, is ready or not, forgets, and says what is wrong', async (t) => {
  const { ports, control } = await start(t, ['tcp', 'udp', 'http', 'control'])
  await control('POST', '/behave', { tcp: { refuse: true }, udp: { refuse: true } })
  await t.rejects(opened(ports['tcp']), { code: 'ECONNREFUSED' })
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  await new Promise<void>((resolve) => {
    socket.connect(ports['udp'] ?? 0, '127.0.0.1', resolve)
  })
  socket.send('x')
  t.match(await once(socket, 'error'), [{ code: 'ECONNREFUSED' }], 'ICMP port unreachable')
  t.match(await control('GET', '/seen'), { connections: 0 })
  await control('POST', '/behave', { tcp: null, http: { status: 503 } })
  t.match((await say(ports['tcp'], ['x'])).text, /\nx$/)
  t.match((await say(ports['http'], ['GET / HTTP/1.0\r\n\r\n'])).text, /^HTTP\/1\.1 503 /)
  t.match(await control('POST', '/ready', { ready: false }), { ready: false })
  t.match(await control('GET', '/readyz'), { ready: false })
  t.match(await control('POST', '/behave', { tcp: { refuse: 1 } }), {
    error: 'tcp.refuse: got 1, want true or false',
  })
  t.match(await control('POST', '/behave', { smtp: {} }), { error: /unknown key/ })
  await control('POST', '/reset')
  t.match(await control('GET', '/seen'), { connections: 0, requests: [], streams: [] })
  t.match(await control('GET', '/readyz'), { ready: true })
  t.match((await say(ports['http'], ['GET / HTTP/1.0\r\n\r\n'])).text, /^HTTP\/1\.1 200 /)
})

t.test('SIGTERM ends it at once, or after it has served for its drain', async (t) => {
  const quick = await start(t, ['tcp'])
  quick.kill('SIGTERM')
  t.equal(await quick.exited, 0)
  const draining = await start(t, ['tcp'], ['--drain', '700'])
  draining.kill('SIGTERM')
  t.match((await say(draining.ports['tcp'], ['still'])).text, /\nstill$/, 'it still serves')
  t.equal(await draining.exited, 0)
})

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Asks until the answer fits, 5 s at most. */
async function untilSeen(t: Test, ask: () => Promise<unknown>, want: object): Promise<boolean> {
  const deadline = performance.now() + 5000
  for (;;) {
    const seen = await ask()
    if (isLike(seen, want)) return true
    if (performance.now() > deadline) {
      t.match(seen, want)
      return false
    }
  }
}

function isLike(seen: unknown, want: unknown): boolean {
  if (typeof want !== 'object' || want === null) return seen === want
  if (typeof seen !== 'object' || seen === null) return false
  const found = new Map<string, unknown>(Object.entries(seen))
  return Object.entries(want).every(([key, value]) => isLike(found.get(key), value))
}
