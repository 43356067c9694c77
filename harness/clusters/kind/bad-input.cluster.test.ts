/** What real Docker and kind say of a name that is taken, a port that is in use and a disk that is full. */
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { probeImage } from '../images/probe.ts'
import { cannotRunKind, kindForTests, kindNodeImage } from '../../testing/needs-kind.ts'
import { root } from '../../testing/sources.ts'
import { defaultTopology } from '../local/topology.ts'
import { output } from './cli.ts'
import { foundClusters } from './leftovers.ts'
import { containerdAnswers, loadImages } from './load-images.ts'

const skip = await cannotRunKind()
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(120_000) })

function docker(...argv: readonly string[]): string {
  return spawnSync('docker', argv, { encoding: 'utf8' }).stdout.trim()
}

/** A container that kind takes for the one node of a cluster. */
async function node(t: Test, cluster: string, flags: readonly string[]): Promise<string> {
  const name = `${cluster}-control-plane`
  t.teardown(() => docker('rm', '-f', '-v', name))
  const labels = [`io.x-k8s.kind.cluster=${cluster}`, 'io.x-k8s.kind.role=control-plane']
  const labelled = labels.flatMap((label) => ['--label', label])
  const image = kindNodeImage ?? ''
  await output(['docker', ...flags, '--name', name, ...labelled, image], options())
  return name
}

t.test('the name of a cluster that somebody else has is refused', { skip }, async (t) => {
  const runId = `taken-${process.pid}`
  const name = `meshmark-${runId}`
  const container = await node(t, name, ['create'])
  await t.rejects(kindForTests().create(defaultTopology(), { runId, ...options() }), {
    code: 'provision-failed',
    message: `a kind cluster ${name} exists already`,
    hint: `kind delete cluster --name ${name}`,
  })
  t.equal(docker('ps', '-aq', '--filter', `name=${container}`).split('\n').length, 1, 'it is there')
  const found = (await foundClusters(options())).find((cluster) => cluster.name === name)
  t.equal(found?.state, 'unknown', 'and nothing says that it is ours')
})

t.test('a port that is in use is named', { skip }, async (t) => {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  t.teardown(() => listener.close())
  const address = listener.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const name = `meshmark-port-${process.pid}`
  t.teardown(() => docker('rm', '-f', name))
  const publish = ['--name', name, '--publish', `127.0.0.1:${port}:80`]
  await t.rejects(output(['docker', 'run', '-d', ...publish, kindNodeImage ?? ''], options()), {
    code: 'port-in-use',
    message: new RegExp(`a port is in use: [^]*${port}`),
    hint: /ss -ltnp/,
  })
})

t.test('images for a node whose disk is full', { skip, timeout: 240_000 }, async (t) => {
  const cluster = `meshmark-full-${process.pid}`
  const small = ['--mount', 'type=tmpfs,destination=/var/lib/containerd,tmpfs-size=24m']
  const run = ['run', '--detach', '--privileged', '--tmpfs', '/run', '--tmpfs', '/tmp', ...small]
  const container = await node(t, cluster, [...run, '--cgroupns', 'private'])
  await containerdAnswers([container], options())
  const { reference } = await probeImage({ packageDirectory: root }, options())
  const directory = t.testdir({})
  const place = { name: cluster, containers: [container], directory }
  await t.rejects(loadImages(place, [reference], options()), {
    code: 'disk-full',
    message: /kind load image-archive: the disk is full: [^]*no space left on device/,
    hint: /docker system prune/,
  })
  t.equal(spawnSync('ls', [directory], { encoding: 'utf8' }).stdout, '', 'no archive is left')
})
