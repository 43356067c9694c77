/** What dead runs of provider k3d leave in Docker; the objects are made as k3d 5 makes them, without an image of k3s. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { dockerLacks } from '../../testing/needs-kind.ts'
import { root } from '../../testing/sources.ts'
import { output } from '../kind/cli.ts'
import { foundClusters } from '../kind/leftovers.ts'
import { clusterDirectory, writeRecord } from '../kind/state.ts'
import { defaultTopology } from '../local/topology.ts'
import { type Owner, ownerOf } from '../owner.ts'

const image = 'node:20-bookworm-slim'
const skip = await dockerLacks([image])
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) })

function docker(...argv: readonly string[]): string {
  return spawnSync('docker', argv, { encoding: 'utf8' }).stdout.trim()
}

/** Network, volume of images and a node, with the names and labels of k3d (v5-dev, 46f3480d). */
async function made(t: Test, name: string): Promise<void> {
  t.teardown(() => {
    docker('rm', '-f', '-v', `k3d-${name}-server-0`)
    docker('network', 'rm', `k3d-${name}`)
    docker('volume', 'rm', '-f', `k3d-${name}-images`)
  })
  const app = ['--label', 'app=k3d']
  const labels = [...app, '--label', `k3d.cluster=${name}`]
  const volume = `k3d-${name}-images`
  await output(['docker', 'network', 'create', ...app, `k3d-${name}`], options())
  await output(['docker', 'volume', 'create', ...labels, volume], options())
  const place = ['--network', `k3d-${name}`, '--volume', `${volume}:/k3d/images`]
  const server = ['--name', `k3d-${name}-server-0`, ...labels, ...place, image, 'sleep', 'infinity']
  await output(['docker', 'run', '--detach', '--init', ...server], options())
}

/** What Docker has of a cluster. */
function objects(name: string): readonly string[] {
  return [
    docker('ps', '-a', '--format', '{{.Names}}', '--filter', `name=k3d-${name}`),
    docker('network', 'ls', '--format', '{{.Name}}', '--filter', `name=k3d-${name}`),
    docker('volume', 'ls', '--format', '{{.Name}}', '--filter', `name=k3d-${name}`),
  ].filter((line) => line !== '')
}

/** The signature of a process that is gone. */
async function deadOwner(): Promise<Owner> {
  const child = spawn('sleep', ['60'])
  const owner = await ownerOf(child.pid ?? 0)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  return owner
}

t.test('clusters of k3d whose harness is dead', { skip, timeout: 120_000 }, async (t) => {
  // why: records of other runs are none of this test's business
  process.env['XDG_STATE_HOME'] = t.testdir({})
  const [left, used] = [`meshmark-left-${process.pid}`, `meshmark-used-${process.pid}`]
  const foreign = `other-${process.pid}`
  for (const name of [left, used, foreign]) await made(t, name)
  const record = { topology: defaultTopology(), kubeProxyMode: 'iptables', kept: false } as const
  await writeRecord({ ...record, name: left, provider: 'k3d', owner: await deadOwner() })
  const owner = await ownerOf(process.pid)
  await writeRecord({ ...record, name: used, provider: 'k3d', owner })
  const states = (await foundClusters(options())).filter(({ name }) => [left, used].includes(name))
  t.match(states, [
    { name: left, provider: 'k3d', state: 'left' },
    { name: used, provider: 'k3d', state: 'in-use' },
  ])
  const cli = join(root, 'dist', 'harness', 'cli', 'main.js')
  const doctor = spawnSync(process.execPath, [cli, 'doctor', '--heal'], { encoding: 'utf8' })
  t.match(doctor.stderr, `removed the cluster ${left}`)
  t.same(objects(left), [], 'container, network and volume are gone')
  t.notOk(existsSync(clusterDirectory(left)), 'and so is the record')
  for (const name of [used, foreign])
    t.equal(objects(name).length, 3, `what is not a dead run's stays: ${name}`)
})

const noK3d = spawnSync('k3d', ['version']).error === undefined ? skip : 'k3d: it is not installed'

t.test('a harness that is killed while the real k3d creates', { skip: noK3d }, async (t) => {
  t.setTimeout(180_000)
  const state = t.testdir({})
  const env = { ...process.env, XDG_STATE_HOME: state }
  const cli = join(root, 'dist', 'harness', 'cli', 'main.js')
  // why: k3d waits for k3s in its nodes, and there is none in this image: it never gets further
  const flags = ['--provider', 'k3d', '--node-image', image, '--nginx-image', image]
  const harness = spawn(process.execPath, [cli, 'up', ...flags], { env, stdio: 'pipe' })
  let said = ''
  harness.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const gone = new Promise((resolve) => harness.once('exit', resolve))
  const records = join(state, 'meshmark', 'kind')
  const nameOf = (): string => (existsSync(records) ? (readdirSync(records)[0] ?? '') : '')
  const isFar = (): boolean =>
    nameOf() !== '' && docker('ps', '-aq', '--filter', `label=k3d.cluster=${nameOf()}`) !== ''
  const deadline = performance.now() + 90_000
  while (!isFar()) {
    if (performance.now() > deadline || harness.exitCode !== null)
      throw new Error(`k3d did not come so far: ${said}`)
    await delay(100)
  }
  const name = nameOf()
  harness.kill('SIGKILL')
  await gone
  const doctor = spawnSync(process.execPath, [cli, 'doctor', '--heal'], { env, encoding: 'utf8' })
  t.match(doctor.stderr, `removed the cluster ${name}`)
  t.same(objects(name), [], 'container, network and volume are gone')
  t.same(readdirSync(records), [], 'and so is the record')
})
