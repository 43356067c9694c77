/** Load from several nodes of a kind cluster, ours and that of k6, on a server in one of its pods. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import t from 'tap'
import { defaultTopology } from '../../clusters/local/topology.ts'
import { stage } from '../../engine/stage.ts'
import { connectLoad } from '../../load/client.ts'
import type { Position } from '../../model/cluster.ts'
import type { LoadTarget } from '../../model/load.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { SecondOpinion } from '../../model/second-opinion.ts'
import { connectProbe } from '../../probes/client.ts'
import { direct } from '../../targets/direct/target.ts'
import { onPath } from '../../targets/shared/programs.ts'
import { addressesAt } from '../../testing/cluster-contract.ts'
import { cannotRunKind, kindForTests } from '../../testing/needs-kind.ts'
import { type K6Init, secondOpinionOfK6 } from './k6.ts'

const skip = (await cannotRunKind()) || (onPath('k6') === undefined && 'no k6 here')
const positions: readonly Position[] = [
  { node: 'edge-node-a', network: 'container' },
  { node: 'edge-node-b', network: 'container' },
]

t.test('load in a cluster', { skip, timeout: 400_000 }, async (t) => {
  const signal = AbortSignal.timeout(390_000)
  setMaxListeners(0, signal)
  const held = new ResourceStack()
  t.teardown(() => held[Symbol.asyncDispose]())
  const runId = `k6-${process.pid}`
  const cluster = held.use(await kindForTests().create(defaultTopology(), { runId, signal }))
  const at = { node: 'edge-node-b', network: 'container' } as const
  const pages = { 8080: 'ours', 8081: 'a stranger' }
  const script = Object.entries(pages)
    .map(([port, page]) => `http.createServer((q, a) => a.end('${page}')).listen(${port})`)
    .join(';')
  const args = ['node', '-e', `const http = require('http'); ${script}; console.log('ready')`]
  const server = held.use(await cluster.spawn(at, 'shell', { args, signal }))
  await server.messages[Symbol.asyncIterator]().next()
  const [host = ''] = (await addressesAt(cluster, at)).filter((one) => one.startsWith('10.'))
  const target = await direct().deploy(cluster, { signal })
  const scene = held.use(stage(cluster, target, { connectProbe, connectLoad }))

  const request = (port: number): LoadTarget => ({
    kind: 'http',
    host,
    port,
    path: '/',
    authority: 'page',
    connections: 2,
    expect: { status: 200, bodySha256: createHash('sha256').update('ours').digest('hex') },
  })
  const ask = (
    port: number,
    from: readonly Position[],
    init: K6Init = {},
  ): Promise<Omit<SecondOpinion, 'asked' | 'oursP50Us'>> =>
    secondOpinionOfK6(init).ask(request(port), 50, scene, from, { signal })
  const left = async (): Promise<readonly string[]> => {
    const type = await cluster.kube.typeOf({ apiVersion: 'batch/v1', kind: 'Job' }, { signal })
    const { items } = await cluster.kube.list(type, { signal })
    return items.map(({ metadata }) => metadata.name)
  }

  await t.test('our own programs on two nodes give one result, or none', async (t) => {
    const generator = await scene.load(positions, [], { signal })
    const profile = { kind: 'open-loop', rateRps: 50, maxInFlight: 1_000 } as const
    const job = { profile, warmupMs: 100, durationMs: 2_000, seed: 5 }
    const { completed, scheduled, response } = await generator.run(
      { ...job, target: request(8080) },
      { signal },
    )
    t.ok(scheduled > 0 && completed === scheduled, `${completed} of ${scheduled}`)
    t.equal(response.count, completed)
    const long = { ...job, durationMs: 60_000, target: request(8081) }
    const { invalid, windowMs } = await generator.run(long, { signal })
    t.match(invalid, [/^on edge-node-[ab], foreign answer: /])
    t.ok(windowMs < 30_000, `the load of 60 s ended after ${windowMs} ms`)
  })

  await t.test('k6 loads from two nodes at once, each with half of the rate', async (t) => {
    const seen = await ask(8080, positions)
    t.match(seen.tool, /^k6 v\d+\.\d+/)
    t.same(seen.nodes, ['edge-node-a', 'edge-node-b'])
    t.equal(seen.failed, 0)
    t.ok(Math.abs(seen.count + seen.dropped - 250) <= 4, `${seen.count} of 250 requests`)
    t.equal(seen.invalid.length === 0, seen.dropped === 0, seen.invalid.join('; '))
    t.same(await left(), [], 'the Job is gone')
  })

  await t.test('k6 stops at a stranger, and the answer is no number', async (t) => {
    const seen = await ask(8081, positions)
    t.match(seen.invalid.join('; '), /foreign answer/)
    t.ok(seen.count < 50, `${seen.count} of 250 requests`)
    t.same(await left(), [])
  })

  await t.test('an image that no node has is named at once', async (t) => {
    await t.rejects(ask(8080, positions.slice(0, 1), { image: 'nowhere.example/k6:1' }), {
      code: 'program-failed',
      message: /cannot start on edge-node-a: ErrImageNeverPull: .*nowhere\.example\/k6:1/,
    })
    t.same(await left(), [])
  })
})
