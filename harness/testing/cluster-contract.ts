import type { Test } from 'tap'
import type { Cluster, ClusterProvider, Position, ProgramChannel } from '../model/cluster.ts'
import { type KubeObject } from '../model/kubernetes.ts'
import type { Topology } from '../model/topology.ts'
import { connectProbe } from '../probes/client.ts'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How long any one step of the contract may take on a slow machine. */
const stepMs = 60_000

const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(stepMs) })

/**
 * What every provider promises: probes at each position, apply and remove, faults that heal, evidence, and nothing
 * left behind. One cluster serves all of it.
 */
export async function clusterContract(
  t: Test,
  provider: ClusterProvider,
  topology: Topology,
): Promise<void> {
  t.same(await provider.preflight(options()), [], 'preflight finds nothing missing')
  const cluster = await provider.create(topology, {
    runId: `contract-${process.pid}`,
    ...options(),
  })
  let disposed = false
  t.teardown(async () => {
    if (!disposed) await cluster[Symbol.asyncDispose]()
  })
  await t.test('every node of the topology is there', (t) => nodesAreThere(t, cluster, topology))
  await t.test('a probe stands at each position', (t) => probesStand(t, cluster))
  await t.test('what is applied exists until it is disposed', (t) => applied(t, cluster))
  await t.test('an unknown kind is refused in words', async (t) => {
    const unknown = { apiVersion: 'nobody.example/v1', kind: 'Nothing', metadata: { name: 'x' } }
    await t.rejects(cluster.kube.typeOf(unknown, options()), {
      message: /no matches for kind "Nothing" in version "nobody.example\/v1"/,
    })
  })
  const skip = !cluster.capabilities.has('node-fault') && 'this provider cuts no node off'
  await t.test('a node that is cut off comes back when the fault is disposed', { skip }, (t) =>
    cutNode(t, cluster),
  )
  await t.test('evidence is collected', (t) => evidence(t, cluster))
  await cluster[Symbol.asyncDispose]()
  disposed = true
}

async function nodesAreThere(t: Test, cluster: Cluster, topology: Topology): Promise<void> {
  const type = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Node' }, options())
  const { items } = await cluster.kube.list(type, options())
  t.same(
    items.map(({ metadata }) => metadata.name).sort(),
    topology.nodes.map(({ name }) => name).sort(),
  )
}

async function probesStand(t: Test, cluster: Cluster): Promise<void> {
  for (const { name: node, address } of cluster.nodes)
    for (const network of ['host', 'container'] as const) {
      const seen = await addressesAt(cluster, { node, network })
      t.equal(seen.includes(address), network === 'host', `${node}, ${network}: ${seen.join(' ')}`)
    }
}

/** IPv4 addresses that a program sees at a position. */
export async function addressesAt(cluster: Cluster, at: Position): Promise<readonly string[]> {
  await using probe = connectProbe(await cluster.spawn(at, 'probe', options()))
  const observation = await probe.run(
    { kind: 'command', argv: ['ip', '-4', '-o', 'addr'], timeoutMs: 10_000 },
    options(),
  )
  if (observation.kind !== 'exited') throw new Error(`ip: ${observation.kind}`)
  return [...observation.stdout.matchAll(/inet (\d+\.\d+\.\d+\.\d+)/g)].map(
    ([, address = '']) => address,
  )
}

async function applied(t: Test, cluster: Cluster): Promise<void> {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'contract', namespace: 'default' },
    data: { key: 'value' },
  }
  const type = await cluster.kube.typeOf(object, options())
  const key = { name: 'contract', namespace: 'default' }
  const held = await cluster.apply([object], options())
  t.match(await cluster.kube.get(type, key, options()), { data: { key: 'value' } })
  await held[Symbol.asyncDispose]()
  t.equal(await cluster.kube.get(type, key, options()), undefined)
}

async function cutNode(t: Test, cluster: Cluster): Promise<void> {
  const edge = cluster.nodes.find(({ role }) => role !== 'master')
  const master = cluster.nodes.find(({ role }) => role === 'master')
  if (!cluster.capabilities.has('node-fault') || edge === undefined || master === undefined) {
    t.pass('cut', { skip: 'this provider cannot cut nodes off' })
    return
  }
  const at = { node: edge.name, network: 'host' } as const
  await using probe = connectProbe(await cluster.spawn(at, 'probe', options()))
  const reaches = async (): Promise<boolean> => {
    const observation = await probe.run(
      { kind: 'tcp', host: master.address, port: 6443, expectBytes: 0, timeoutMs: 1_000 },
      options(),
    )
    return observation.kind === 'tcp'
  }
  t.equal(await reaches(), true, 'before')
  for (const from of ['control-plane', 'all'] as const) {
    const fault = await cluster.fault({ kind: 'cut-node', node: edge.name, from }, options())
    t.equal(await reaches(), false, `cut from ${from}`)
    await fault[Symbol.asyncDispose]()
    t.equal(await eventually(reaches), true, 'healed')
  }
}

async function evidence(t: Test, cluster: Cluster): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'contract-evidence-'))
  try {
    await cluster.collect(directory, options())
    t.ok((await readdir(directory)).includes('nodes.json'))
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Asks until the answer is yes, for at most ten seconds. */
export async function eventually(ask: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 10_000
  for (;;) {
    if (await ask()) return true
    if (performance.now() > deadline) return false
  }
}

/** All that a program writes to its stdout. */
export async function outputOf(channel: ProgramChannel): Promise<string> {
  const lines: string[] = []
  for await (const line of channel.messages)
    lines.push(typeof line === 'string' ? line : JSON.stringify(line))
  return lines.join('\n')
}
