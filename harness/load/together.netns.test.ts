/** Real load programs in the namespaces of two nodes, each with a server of its own at the same address. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import t from 'tap'
import { local } from '../clusters/local/provider.ts'
import { defaultTopology } from '../clusters/local/topology.ts'
import { stage } from '../engine/stage.ts'
import type { Cluster, Position, ProgramChannel } from '../model/cluster.ts'
import type { LoadJob, LoadResult } from '../model/load.ts'
import { ResourceStack } from '../model/resource-stack.ts'
import { connectProbe } from '../probes/client.ts'
import { direct } from '../targets/direct/target.ts'
import { cannotRunLocal } from '../testing/needs-local.ts'
import { root } from '../testing/sources.ts'
import { connectLoad } from './client.ts'

const skip = await cannotRunLocal()
const ours = 'ours'
const ports = { bothOurs: 8080, strangerOnB: 8081 } as const
const positions: readonly Position[] = [
  { node: 'edge-node-a', network: 'container' },
  { node: 'edge-node-b', network: 'container' },
]

function job(port: number, durationMs: number): LoadJob {
  return {
    target: {
      kind: 'http',
      host: '127.0.0.1',
      port,
      path: '/',
      authority: 'page',
      connections: 8,
      expect: { status: 200, bodySha256: createHash('sha256').update(ours).digest('hex') },
    },
    profile: { kind: 'open-loop', rateRps: 200, maxInFlight: 1_000 },
    warmupMs: 100,
    durationMs,
    seed: 3,
  }
}

function saidApart({ invalid }: LoadResult): boolean {
  return invalid.some((reason) => reason.includes('at the same time'))
}

async function serve(
  cluster: Cluster,
  at: Position,
  page: string,
  port: number,
  signal: AbortSignal,
): Promise<ProgramChannel> {
  const script = `require('http').createServer((q, a) => a.end('${page}')).listen(${port}, '127.0.0.1', () => console.log('ready'))`
  const args = [process.execPath, '-e', script]
  const channel = await cluster.spawn(at, 'shell', { args, signal })
  await channel.messages[Symbol.asyncIterator]().next()
  return channel
}

t.test('load from two nodes at once', { skip, timeout: 120_000 }, async (t) => {
  const signal = AbortSignal.timeout(100_000)
  setMaxListeners(0, signal)
  const held = new ResourceStack()
  t.teardown(() => held[Symbol.asyncDispose]())
  const provider = local({ packageDirectory: root })
  const cluster = held.use(
    await provider.create(defaultTopology(), { runId: `together-${process.pid}`, signal }),
  )
  for (const at of positions) {
    held.use(await serve(cluster, at, ours, ports.bothOurs, signal))
    const page = at.node === 'edge-node-b' ? 'a stranger' : ours
    held.use(await serve(cluster, at, page, ports.strangerOnB, signal))
  }
  const target = await direct().deploy(cluster, { signal })
  const scene = held.use(stage(cluster, target, { connectProbe, connectLoad }))
  const generator = await scene.load(positions, [], { signal })

  await t.test('is one result, of the answers that both of them had', async (t) => {
    let result = await generator.run(job(ports.bothOurs, 2_000), { signal })
    // why: on a busy machine one of them may begin late, which is said, and right
    for (let tries = 1; tries < 5 && saidApart(result); tries += 1)
      result = await generator.run(job(ports.bothOurs, 2_000), { signal })
    t.same(result.failures, {})
    t.equal(result.completed, result.scheduled)
    t.equal(result.response.count, result.completed)
    // Poisson: 400 requests are expected, and twice the tenth of them is four standard deviations
    t.ok(Math.abs(result.scheduled - 400) < 80, `${result.scheduled} of 400 requests were due`)
    t.notOk(saidApart(result), result.invalid.join('; '))
    t.notMatch(result.invalid.join('; '), /was not told/)
  })

  await t.test('is stopped on both by a stranger who answers one of them', async (t) => {
    const result = await generator.run(job(ports.strangerOnB, 60_000), { signal })
    t.match(result.invalid, [/^on edge-node-b, foreign answer: /])
    t.ok(result.windowMs < 30_000, `the load of 60 s ended after ${result.windowMs} ms`)
  })

  await t.test('goes on with the next job after that', async (t) => {
    const { completed, scheduled } = await generator.run(job(ports.bothOurs, 300), { signal })
    t.ok(completed > 0 && completed === scheduled, `${completed} of ${scheduled}`)
  })

  await t.test('a job that one cannot do is refused with the node', async (t) => {
    const wrong = { ...job(ports.bothOurs, 300), durationMs: 1 }
    await t.rejects(generator.run(wrong, { signal }), {
      code: 'invalid-job',
      message: /^edge-node-[ab]: durationMs: got 1, want/,
    })
  })
})
