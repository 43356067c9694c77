/** Several k6 in the namespaces of two nodes, each with a server of its own at the same address. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import t from 'tap'
import { local } from '../../clusters/local/provider.ts'
import { defaultTopology } from '../../clusters/local/topology.ts'
import { stage } from '../../engine/stage.ts'
import { connectLoad } from '../../load/client.ts'
import type { Position } from '../../model/cluster.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { SecondOpinion } from '../../model/second-opinion.ts'
import { connectProbe } from '../../probes/client.ts'
import { direct } from '../../targets/direct/target.ts'
import { onPath } from '../../targets/shared/programs.ts'
import { cannotRunLocal } from '../../testing/needs-local.ts'
import { root } from '../../testing/sources.ts'
import { secondOpinionOfK6 } from './k6.ts'

const skip = (await cannotRunLocal()) || (onPath('k6') === undefined && 'no k6 here')
const positions: readonly Position[] = [
  { node: 'edge-node-a', network: 'container' },
  { node: 'edge-node-b', network: 'container' },
]

t.test('k6 at several positions', { skip, timeout: 150_000 }, async (t) => {
  const signal = AbortSignal.timeout(140_000)
  setMaxListeners(0, signal)
  const held = new ResourceStack()
  t.teardown(() => held[Symbol.asyncDispose]())
  const runId = `k6-${process.pid}`
  const cluster = held.use(
    await local({ packageDirectory: root }).create(defaultTopology(), { runId, signal }),
  )
  for (const at of positions) {
    const pages = { 8080: 'ours', 8081: at.node === 'edge-node-b' ? 'a stranger' : 'ours' }
    const script = Object.entries(pages)
      .map(([port, page]) => `http.createServer((q, a) => a.end('${page}')).listen(${port})`)
      .join(';')
    const args = [process.execPath, '-e', `const http = require('http'); ${script}; console.log(1)`]
    const server = held.use(await cluster.spawn(at, 'shell', { args, signal }))
    await server.messages[Symbol.asyncIterator]().next()
  }
  const target = await direct().deploy(cluster, { signal })
  const scene = held.use(stage(cluster, target, { connectProbe, connectLoad }))
  const ask = (port: number): Promise<Omit<SecondOpinion, 'asked' | 'oursP50Us'>> => {
    const expect = { status: 200, bodySha256: createHash('sha256').update('ours').digest('hex') }
    return secondOpinionOfK6({}).ask(
      { kind: 'http', host: '127.0.0.1', port, path: '/', authority: 'a', connections: 1, expect },
      51,
      scene,
      positions,
      { signal },
    )
  }

  await t.test('share the rate and give one opinion', async (t) => {
    const seen = await ask(8080)
    t.same(seen.nodes, ['edge-node-a', 'edge-node-b'])
    t.equal(seen.failed, 0)
    t.ok(Math.abs(seen.count + seen.dropped - 255) <= 4, `${seen.count} of 255 requests`)
    t.ok(seen.p50Us !== undefined && seen.p50Us > 0, `p50 ${seen.p50Us} µs`)
    t.equal(seen.invalid.length === 0, seen.dropped === 0, seen.invalid.join('; '))
  })

  await t.test('stop when a stranger answers one of them, which is named', async (t) => {
    const seen = await ask(8081)
    t.ok(seen.count < 100, `${seen.count} of 255 requests`)
    t.ok(
      seen.invalid.some((why) => /^on edge-node-b, .*foreign answer/.test(why)),
      seen.invalid.join('; '),
    )
    t.ok(
      seen.invalid.some((why) => why.startsWith('on edge-node-a, k6 was stopped')),
      seen.invalid.join('; '),
    )
  })
})
