/** What killed runs left in a cluster that exists; here it is one of provider local. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Cluster } from '../../model/cluster.ts'
import { cannotRunLocal } from '../../testing/needs-local.ts'
import { root } from '../../testing/sources.ts'
import { clusterRoles, configMaps, namespaces } from '../kube/types.ts'
import { local } from '../local/provider.ts'
import { defaultTopology } from '../local/topology.ts'
import { kubeconfig } from './provider.ts'

const skip = await cannotRunLocal()
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) })

/** A run that works in the cluster until it is killed. */
async function held(t: Test, file: string, runId: string): Promise<ChildProcess> {
  const program = join(root, 'dist', 'harness', 'testing', 'existing-and-hold.js')
  const stdio = ['pipe', 'pipe', 'ignore'] as const
  const child = spawn(process.execPath, [program, file, runId], { stdio: [...stdio] })
  t.teardown(() => child.kill('SIGKILL'))
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => {
      resolve()
    })
    child.once('exit', (code) => {
      reject(new Error(`it ended with ${String(code)}`))
    })
  })
  return child
}

async function killed(t: Test, file: string, runId: string): Promise<void> {
  const child = await held(t, file, runId)
  child.removeAllListeners('exit')
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

// why: not spawnSync, for the door of the cluster's API is in this process
async function doctor(
  ...more: readonly string[]
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const cli = join(root, 'dist', 'harness', 'cli', 'main.js')
  const child = spawn(process.execPath, [cli, 'doctor', ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stderr }
}

/** Names of what there is of the types that a run makes. */
async function objects({ kube }: Cluster): Promise<readonly string[]> {
  const types = [namespaces, configMaps, clusterRoles]
  const lists = await Promise.all(types.map((type) => kube.list(type, options())))
  return lists
    .flatMap(({ items }) => items)
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`)
    .sort()
}

/** The same, once every namespace has been given what a controller gives to each. */
async function settledObjects(cluster: Cluster): Promise<readonly string[]> {
  const { signal } = options()
  for (;;) {
    const all = await objects(cluster)
    const names = all.filter((name) => name.startsWith('/') && !name.startsWith('/held-'))
    if (names.every((name) => all.includes(`${name.slice(1)}/kube-root-ca.crt`))) return all
    await delay(20, undefined, { signal })
  }
}

t.test('a cluster that exists, with what killed runs left in it', { skip }, async (t) => {
  t.setTimeout(180_000)
  const runId = `existing-${process.pid}`
  const provider = local({ packageDirectory: root })
  await using cluster = await provider.create(defaultTopology(), { runId, ...options() })
  const file = cluster.kubeconfig
  await held(t, file, 'alive')
  const person = { name: 'person', labels: { 'meshmark.dev/run-id': 'mine' } }
  const boot = { pid: 1, startTicks: '1', bootId: 'of another machine', pidNamespace: 'x' }
  const annotations = { 'meshmark.dev/owner': JSON.stringify(boot) }
  for (const metadata of [person, { ...person, name: 'elsewhere', annotations }])
    await cluster.kube.create(
      namespaces,
      { apiVersion: 'v1', kind: 'Namespace', metadata },
      options(),
    )
  const before = await settledObjects(cluster)

  await t.test('doctor --heal --kubeconfig removes it, and nothing else', async (t) => {
    await killed(t, file, 'dead')
    t.ok((await objects(cluster)).includes('/meshmark-dead'), 'it is there')
    const { stderr } = await doctor('--heal', '--kubeconfig', file)
    t.match(stderr, 'removed the Namespace meshmark-dead')
    t.match(stderr, 'removed the ClusterRole held-dead')
    t.same(await objects(cluster), before)
  })

  await t.test('the next run on it does so as well', async (t) => {
    await killed(t, file, 'dead-again')
    const lines: string[] = []
    const next = kubeconfig({ packageDirectory: root, kubeconfig: file })
    const progress = (line: string): void => void lines.push(line)
    const made = await next.create(defaultTopology(), { runId: 'next', progress, ...options() })
    await made[Symbol.asyncDispose]()
    t.match(
      lines.join('\n'),
      'removed the Namespace meshmark-dead-again, which a dead run had left',
    )
    t.match(lines.join('\n'), 'removed the ClusterRole held-dead-again')
    t.same(await objects(cluster), before)
  })

  await t.test('what looks like production has to be named', async (t) => {
    const text = readFileSync(file, 'utf8')
    const [, context = ''] = /current-context"?: "?([\w-]+)/.exec(text) ?? []
    const prod = join(t.testdir({}), 'prod')
    writeFileSync(prod, text.replaceAll(context, 'eu-prod-1'))
    const refused = await doctor('--heal', '--kubeconfig', prod)
    t.equal(refused.code, 2)
    t.match(refused.stderr, /--yes-this-cluster eu-prod-1/)
    const agreed = await doctor('--heal', '--kubeconfig', prod, '--yes-this-cluster', 'eu-prod-1')
    t.match(agreed.stderr, 'no dead run left anything')
    const alone = await doctor('--kubeconfig', file)
    t.match(alone.stderr, /--kubeconfig has no meaning without --heal/)
  })
})
