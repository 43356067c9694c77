import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { patternBytes } from '../model/pattern.ts'
import type { Stream, StreamJob, StreamPlayed, StreamStep } from '../model/probe.ts'
import { childChannel } from '../cli/child-channel.ts'
import { freePort } from '../testing/nginx.ts'
import { connectProbe } from './client.ts'

const { signal } = new AbortController()
const main = join(import.meta.dirname, 'main.js')
const probe = connectProbe(childChannel(process.execPath, [main]))
t.teardown(() => probe[Symbol.asyncDispose]())

const mebi = 1024 * 1024
const withinMs = 30_000

interface Scene {
  readonly job: StreamJob
  readonly stream: Stream
  readonly play: (...steps: StreamStep[]) => Promise<StreamPlayed>
}

/** A stream to a server that does one thing with its connection. */
async function opened(
  t: Test,
  serve: (socket: Socket) => void,
  job: Partial<StreamJob> = {},
): Promise<Scene> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const whole = { host: '127.0.0.1', port, timeoutMs: 10_000, ...job }
  const stream = await probe.stream(whole, { signal })
  t.teardown(async () => {
    await stream[Symbol.asyncDispose]()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { job: whole, stream, play: (...steps) => stream.play(steps, { signal }) }
}

const send = (text: string, more: object = {}): StreamStep => ({
  do: 'send',
  base64: Buffer.from(text).toString('base64'),
  ...more,
})
const text = ({ base64 }: StreamPlayed): string => Buffer.from(base64, 'base64').toString()
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

t.test('a stream stays open from play to play, and reads no more than it is asked', async (t) => {
  const { stream, play } = await opened(t, (socket) => socket.pipe(socket), {
    localAddress: '127.0.0.9',
  })
  t.match(stream.opened, { kind: 'opened', local: { address: '127.0.0.9' } })
  const first = await play(send('hello\r\nworld'), {
    do: 'read',
    until: { text: '\r\n' },
    withinMs,
  })
  t.match(first, {
    bytes: 7,
    complete: true,
    state: 'open',
    sha256: sha256(Buffer.from('hello\r\n')),
  })
  t.equal(text(first), 'hello\r\n')
  const second = await play({ do: 'read', until: { bytes: 3 }, withinMs })
  t.equal(text(second), 'wor')
  const third = await play({ do: 'read', until: { quietMs: 20 }, withinMs })
  t.match(third, { bytes: 2, complete: true })
  t.equal(text(third), 'ld')
  const nothing = await play({ do: 'read', until: { bytes: 1 }, withinMs: 20 })
  t.match(nothing, { bytes: 0, complete: false, state: 'open', chunks: [] })
})

t.test('segments leave one by one: the server reads each on its own', async (t) => {
  const reads: string[] = []
  const { play } = await opened(t, (socket) => {
    socket.on('data', (chunk) => {
      reads.push(chunk.toString())
      if (reads.join('') === 'abbcccdd') socket.end()
    })
  })
  await play(send('abbcccdd', { segments: [1, 2, 3], gapMs: 100 }), {
    do: 'read',
    until: 'end',
    withinMs,
  })
  t.same(reads, ['a', 'bb', 'ccc', 'dd'])
})

t.test(
  'half-closed by us, it goes on reading; half-closed by the peer, it goes on sending',
  async (t) => {
    let asked = ''
    const ours = await opened(t, (socket) => {
      socket.on('data', (chunk) => (asked += chunk.toString()))
      socket.on('end', () => socket.end(`got ${asked}`))
    })
    const end = { do: 'read', until: 'end', withinMs } as const
    const answered = await ours.play(send('all'), { do: 'end' }, end)
    t.match(answered, { state: 'end', complete: true })
    t.equal(text(answered), 'got all')
    await t.rejects(ours.play(send('more')), {
      code: 'bad-job',
      message: /steps\[0\].*half-closed/,
    })

    const theirs = await opened(t, (socket) => {
      socket.end('bye')
      socket.on('data', (chunk) => (asked = chunk.toString()))
    })
    t.match(await theirs.play(end), { state: 'end', bytes: 3 })
    t.match(await theirs.play(send('late')), { state: 'end', sentBytes: 4 })
    t.match(await theirs.play({ do: 'end' }, end), { bytes: 0, complete: true })
    t.equal(asked, 'late')
  },
)

t.test('reset: told when the peer does it, seen by the peer when we do', async (t) => {
  const theirs = await opened(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
  const read = { do: 'read', until: 'end', withinMs } as const
  t.match(await theirs.play(send('x'), read), { state: 'reset', complete: false })
  t.match(await theirs.play(send('x'), read), { state: 'reset', complete: false, sentBytes: 0 })

  let seen: (error: Error) => void = () => undefined
  const failed = new Promise<Error>((resolve) => (seen = resolve))
  const ours = await opened(t, (socket) => {
    socket.on('error', seen)
    socket.on('data', () => socket.write('y'))
  })
  const one = { do: 'read', until: { bytes: 1 }, withinMs } as const
  t.match(await ours.play(send('x'), one, { do: 'reset' }), { state: 'reset' })
  t.match(await failed, { code: 'ECONNRESET' })
})

t.test('while it does not read, the peer is held back; then all of it arrives', async (t) => {
  let written = 0
  let wakeUp: () => void = () => undefined
  const { play } = await opened(t, (socket) => {
    const more = (): void => {
      while (written < 64 * mebi) {
        const piece = patternBytes(written, mebi)
        written += piece.length
        if (!socket.write(piece)) break
      }
      wakeUp()
      if (written === 64 * mebi && !socket.writableEnded) socket.end()
    }
    socket.on('drain', more)
    more()
  })
  // why: the kernel's buffers are full when nothing has been taken for a while
  for (let before = -1; before !== written;) {
    before = written
    await Promise.race([
      new Promise((resolve) => setTimeout(resolve, 500)),
      new Promise<void>((resolve) => (wakeUp = resolve)),
    ])
  }
  t.ok(written < 32 * mebi, `held back after ${written} bytes`)
  const all = await play({ do: 'read', until: 'end', withinMs })
  t.match(all, { bytes: 64 * mebi, state: 'end', complete: true })
  t.equal(all.sha256, sha256(patternBytes(0, 64 * mebi)))
  t.equal(Buffer.byteLength(all.base64, 'base64'), mebi)
  t.equal(all.chunks.length, 1_000)
})

t.test('256 MiB there and back at once: nobody blocks, the hash is right', async (t) => {
  const { play } = await opened(t, (socket) => socket.pipe(socket))
  const bytes = 256 * mebi
  const played = await play(
    { do: 'send-pattern', bytes, withinMs: 300_000 },
    { do: 'read', until: { bytes }, withinMs: 300_000 },
  )
  t.match(played, { bytes, sentBytes: bytes, complete: true, state: 'open' })
  const hash = createHash('sha256')
  for (let at = 0; at < bytes; at += mebi) hash.update(patternBytes(at, mebi))
  t.equal(played.sha256, hash.digest('hex'))
})

t.test(
  'a peer that takes nothing stalls a send, which ends in time and says how far it got',
  async (t) => {
    const { play } = await opened(t, (socket) => socket.pause())
    const played = await play({ do: 'send-pattern', bytes: 256 * mebi, withinMs: 500 }, send('x'))
    t.match(played, { state: 'timed-out', bytes: 0 })
    t.ok(played.sentBytes > 0 && played.sentBytes < 64 * mebi, `${played.sentBytes} bytes`)
  },
)

t.test('what cannot be opened is an observation, except where the source is wrong', async (t) => {
  const job = { host: '127.0.0.1', port: await freePort(), timeoutMs: 5_000 }
  const refused = await probe.stream(job, { signal })
  t.match(refused.opened, { kind: 'refused' })
  await t.rejects(refused.play([], { signal }), { code: 'bad-job', message: /not opened: refused/ })
  await refused[Symbol.asyncDispose]()
  await t.rejects(probe.stream({ ...job, localAddress: '192.0.2.1' }, { signal }), {
    code: 'program-failed',
    message: /EADDRNOTAVAIL/,
  })
})

t.test('an aborted play closes the connection at once, and so does disposing', async (t) => {
  const closings: Promise<unknown>[] = []
  const serve = (socket: Socket): void => {
    socket.resume()
    closings.push(once(socket, 'end'))
  }
  const aborted = await opened(t, serve)
  const abort = new AbortController()
  const step = { do: 'read', until: 'end', withinMs: 600_000 } as const
  const pending = aborted.stream.play([step], { signal: abort.signal })
  await t.rejects(aborted.play(step), { code: 'bad-job', message: /plays already/ })
  abort.abort(new Error('enough'))
  await t.rejects(pending, { message: 'enough' })
  await closings[0]
  await t.rejects(aborted.play(step), { code: 'bad-job', message: /closed/ })

  const disposed = await opened(t, serve)
  await disposed.stream[Symbol.asyncDispose]()
  await closings[1]
  await t.rejects(disposed.play(step), { code: 'bad-job', message: /not open/ })
})

t.test('a probe that dies rejects a play under way', async (t) => {
  const channel = childChannel(process.execPath, [main])
  const mortal = connectProbe(channel)
  const { job } = await opened(t, () => undefined)
  const stream = await mortal.stream(job, { signal })
  const pending = stream.play([{ do: 'pause', ms: 60_000 }], { signal })
  channel.end()
  await t.rejects(pending, { code: 'program-failed', message: /the probe ended/ })
  await stream[Symbol.asyncDispose]()
})

t.test('jobs and steps that make no sense are refused with field, value and rule', async (t) => {
  const { job, stream } = await opened(t, () => undefined)
  const jobs: readonly (readonly [object, string])[] = [
    [{ host: 'localhost' }, 'host: got "localhost", want a literal IPv4 or IPv6 address'],
    [{ localPort: 70_000 }, 'localPort: got 70000, want a whole number from 1 to 65535'],
    [
      { localAddress: '::1' },
      'localAddress: got "::1", want an address of the family of 127.0.0.1',
    ],
  ]
  for (const [part, message] of jobs)
    await t.rejects(probe.stream({ ...job, ...part }, { signal }), { code: 'bad-job', message })
  const steps: readonly (readonly [readonly object[], string])[] = [
    [[{ do: 'jump' }], 'steps[0].do: got "jump", want one of send, send-pattern, read, end, '],
    [[{ do: 'pause', ms: -1 }], 'steps[0].ms: got -1, want a number from 0 to 600000'],
    [[send('x'), { do: 'read', until: 'end' }], 'steps[1].withinMs: got nothing, want a number'],
    [[{ do: 'read', until: {}, withinMs }], "steps[0].until: got {}, want 'end', { bytes: "],
    [[send('abc', { segments: [2, 2] })], 'steps[0].segments: got [2,2], want at most the 3 bytes'],
    [[{ do: 'end' }, send('x')], 'steps[1].do: got "send", want nothing that sends after \'end\''],
  ]
  for (const [list, message] of steps) {
    const playing = stream.play(list as readonly StreamStep[], { signal })
    const error: unknown = await playing.catch((cause: unknown) => cause)
    t.match(error, { code: 'bad-job' })
    t.ok(error instanceof Error && error.message.startsWith(message), String(error))
  }
})
