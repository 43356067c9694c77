import { type AddressInfo, createServer } from 'node:net'
import { createSocket } from 'node:dgram'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Probe } from '../model/probe.ts'
import { childChannel } from '../cli/child-channel.ts'
import { freePort } from '../testing/nginx.ts'
import { connectProbe } from './client.ts'

const { signal } = new AbortController()
const main = join(import.meta.dirname, 'main.js')

function startProbe(t: Test): Probe {
  const probe = connectProbe(childChannel(process.execPath, [main]))
  t.teardown(() => probe[Symbol.asyncDispose]())
  return probe
}

/** Polls for an event, for at most ten seconds. */
async function eventually(holds: () => boolean): Promise<boolean> {
  const deadline = performance.now() + 10_000
  while (!holds() && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 5))
  return holds()
}

t.test('TCP: what the peer said, or that it closed too early', async (t) => {
  const probe = startProbe(t)
  const server = createServer((socket) => socket.pipe(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const job = { kind: 'tcp', host: '127.0.0.1', port, send: 'ping', timeoutMs: 5_000 } as const
  t.match(await probe.run(job, { signal }), { kind: 'tcp', received: 'ping', remote: { port } })
  t.match(await probe.run({ ...job, expectBytes: 2 }, { signal }), { kind: 'tcp' })
  t.match(await probe.run({ ...job, send: '', expectBytes: 0 }, { signal }), { received: '' })
  const closing = createServer((socket) => socket.end('hi'))
  await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve))
  t.teardown(() => closing.close())
  const early = { ...job, port: (closing.address() as AddressInfo).port, expectBytes: 5 }
  t.match(await probe.run(early, { signal }), { kind: 'closed', detail: /after 2 of 5 bytes/ })
})

t.test('UDP: the datagram that came back, a refusal by ICMP, or silence', async (t) => {
  const probe = startProbe(t)
  const echo = createSocket('udp4')
  let isSilent = false
  echo.on('message', (message, { port, address }) => {
    if (!isSilent) echo.send(message, port, address)
  })
  await new Promise<void>((resolve) => echo.bind(0, '127.0.0.1', resolve))
  const { port } = echo.address()
  const job = { kind: 'udp', host: '127.0.0.1', port, send: 'ping', timeoutMs: 5_000 } as const
  t.match(await probe.run(job, { signal }), { kind: 'udp', received: 'ping' })
  isSilent = true
  t.match(await probe.run({ ...job, timeoutMs: 50 }, { signal }), { kind: 'timed-out' })
  await new Promise<void>((resolve) => echo.close(resolve))
  t.match(await probe.run(job, { signal }), { kind: 'refused' })
})

t.test('a command: its output and exit code; one that is not there exits with 127', async (t) => {
  const probe = startProbe(t)
  const run = (...argv: [string, ...string[]]): Promise<unknown> =>
    probe.run({ kind: 'command', argv, timeoutMs: 10_000 }, { signal })
  t.match(await run('sh', '-c', 'echo out; echo err >&2; exit 3'), {
    kind: 'exited',
    code: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  })
  t.match(await run('/no/such/program'), { kind: 'exited', code: 127 })
  t.match(await run('/etc/passwd'), { kind: 'exited', code: 126 })
})

t.test('at the end of its time a command is killed with everything that it started', async (t) => {
  const probe = startProbe(t)
  const file = join(t.testdir(), 'pid')
  const script = ['sh', '-c', `sleep 60 & echo $! > ${file}; wait`] as const
  t.match(await probe.run({ kind: 'command', argv: script, timeoutMs: 300 }, { signal }), {
    kind: 'timed-out',
  })
  const pid = readFileSync(file, 'utf8').trim()
  t.ok(await eventually(() => !existsSync(`/proc/${pid}/cwd`)), `process ${pid} is gone`)
})

t.test(
  'a probe that dies is trouble of the harness, for jobs under way and later ones',
  async (t) => {
    const channel = childChannel(process.execPath, [main])
    const probe = connectProbe(channel)
    const job = { kind: 'command', argv: ['sleep', '60'], timeoutMs: 60_000 } as const
    const pending = probe.run(job, { signal })
    channel.end()
    await t.rejects(pending, {
      name: 'ProbeError',
      code: 'program-failed',
      message: /the probe ended/,
    })
    await t.rejects(probe.run(job, { signal }), { code: 'program-failed' })
  },
)

t.test('a program that is no probe is found out', async (t) => {
  const probe = connectProbe(childChannel('echo', ['hello']))
  t.teardown(() => probe[Symbol.asyncDispose]())
  const job = { kind: 'resolve', name: 'localhost', timeoutMs: 1_000 } as const
  await t.rejects(probe.run(job, { signal }), { code: 'protocol', message: /said "hello"/ })
})

t.test('nobody listens on a port: refused, for TCP too', async (t) => {
  const probe = startProbe(t)
  const job = { kind: 'tcp', host: 'localhost', port: await freePort(), timeoutMs: 5_000 } as const
  t.match(await probe.run(job, { signal }), { kind: 'refused' })
})
