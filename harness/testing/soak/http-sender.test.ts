import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { mutated } from '../../targets/reference/mutate.ts'
import { mutants } from '../../targets/reference/mutants/index.ts'
import { root } from '../sources.ts'
import type { HttpSending, HttpSent } from './http-sender-main.ts'

/*
 * The sender against the reference's proxy alone, on loopback: it finds nothing where nothing is wrong, and each of these
 * faults.
 */
const faults = ['l7-last-length', 'l7-both-lengths', 'l7-any-chunk-size', 'l7-coding-in-http10']
const messages = 480

const out = join(root, 'meshmark-out')
mkdirSync(out, { recursive: true })
const folder = mkdtempSync(join(out, 'soak-'))
t.teardown(() => rmSync(folder, { recursive: true }))

t.test('nothing is found where nothing is wrong', async (t) => {
  const { surplus, malformed, wrong, ...seen } = await sent(root)
  t.same(
    [surplus, malformed, wrong],
    Array.from({ length: 3 }, () => ({ count: 0, first: [] })),
  )
  t.equal(seen.sent, messages)
  t.ok(seen.pairs > 0)
  t.equal(seen.pairsArrived, seen.pairs, 'two requests are seen to be two')
  t.ok(seen.behindHostile > messages / 2, 'others come behind hostile messages')
})

for (const id of faults)
  t.test(`${id} is found`, async (t) => {
    const mutant = mutants.find((one) => one.id === id)
    if (mutant === undefined) throw new Error(`no mutant ${id}`)
    const copy = join(folder, id)
    await mutated({ packageDirectory: root, version: '0' }, mutant, copy)
    const { surplus, malformed } = await sent(copy)
    t.ok(surplus.count + malformed.count > 0)
  })

/** Runs the sender against the proxy of a package. */
async function sent(packageDirectory: string): Promise<HttpSent> {
  const [http, control, port] = await freePorts(3)
  const backend = node(join(root, 'dist', 'harness', 'backends', 'main.js'), [
    ...['--http', `127.0.0.1:${http}`, '--control', `127.0.0.1:${control}`],
  ])
  const endpoint = { address: '127.0.0.1', port: http }
  const served = { localAddress: '127.0.0.1', name: 'a/b:http-0', authority: 'b.a' }
  const program = join(packageDirectory, 'dist', 'reference-impl', 'proxy', 'l7', 'http-proxy.js')
  const proxy = node('--input-type=module', [
    '--eval',
    `import { HttpProxy } from ${JSON.stringify(pathToFileURL(program).href)}
    const proxy = new HttpProxy()
    await proxy.listen('127.0.0.1', ${port})
    proxy.update([${JSON.stringify({ ...served, policy: 'round-robin', endpoints: [endpoint] })}])
    process.stdout.write('serves')`,
  ])
  try {
    await Promise.all([once(proxy.stdout ?? proxy, 'data'), listens(backend)])
    const init: HttpSending = {
      host: '127.0.0.1',
      port: port ?? 0,
      backend: '127.0.0.1',
      controlPort: control ?? 0,
      messages,
      seed: 1,
    }
    const sender = node(join(import.meta.dirname, 'http-sender-main.js'), [JSON.stringify(init)])
    let said = ''
    sender.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await once(sender, 'close')
    return JSON.parse(said.trim().split('\n').at(-1) ?? '') as HttpSent
  } finally {
    for (const one of [backend, proxy]) one.kill('SIGKILL')
  }
}

function node(program: string, args: readonly string[]): ChildProcess {
  // why: tap puts its own loaders into the NODE_OPTIONS of every process
  const { NODE_OPTIONS: _, ...env } = process.env
  return spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env })
}

/** It says so on its stdout. */
async function listens(backend: ChildProcess): Promise<void> {
  if (backend.stdout !== null) await once(backend.stdout, 'data')
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
