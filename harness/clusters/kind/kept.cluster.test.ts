/** What one kept kind cluster goes through: used again, broken, healed, removed. */
import { spawn, spawnSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Cluster } from '../../model/cluster.ts'
import { addressesAt, outputOf } from '../../testing/cluster-contract.ts'
import { cannotRunKind, kindForTests } from '../../testing/needs-kind.ts'
import { root } from '../../testing/sources.ts'
import { defaultTopology } from '../local/topology.ts'
import { containerNames } from './config.ts'
import { foundClusters, heal } from './leftovers.ts'
import { removeCluster } from './remove-cluster.ts'

const skip = await cannotRunKind()
const stepMs = 120_000
const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(stepMs) })
const topology = defaultTopology()
const runId = `kept-${process.pid}`
const name = `meshmark-${runId}`
const containers = containerNames(name, topology)
const nodeA = containers.get('edge-node-a') ?? ''
const nodeB = containers.get('edge-node-b') ?? ''

function docker(...argv: readonly string[]): string {
  return spawnSync('docker', argv, { encoding: 'utf8' }).stdout.trim()
}

async function stateOf(cluster: string): Promise<string | undefined> {
  return (await foundClusters(options())).find((one) => one.name === cluster)?.state
}

t.test('a kind cluster that was kept', { skip, timeout: 600_000 }, async (t) => {
  t.teardown(() => removeCluster(name, options()))
  const first = await kindForTests().create(topology, { runId, ...options() })
  t.equal(await stateOf(name), 'in-use', 'a cluster belongs to its harness')
  await first.keep?.()
  await first[Symbol.asyncDispose]()
  t.equal(await stateOf(name), 'kept', 'it stays when it is disposed')

  const attach = (): Promise<Cluster> =>
    kindForTests({ cluster: name }).create(topology, { runId: 'again', ...options() })
  const cluster = await attach()
  await t.test('is used again, by one run at a time', async (t) => {
    const seen = await addressesAt(cluster, { node: 'edge-node-a', network: 'host' })
    t.ok(
      seen.includes(cluster.nodes.find(({ name: node }) => node === 'edge-node-a')?.address ?? ''),
    )
    await t.rejects(attach(), { message: /is used by process/ })
  })
  await t.test('is refused where it does not fit', async (t) => {
    const other = { ...topology, clusterDomain: 'edge.local' }
    const wanted = kindForTests({ cluster: name }).create(other, { runId: 'other', ...options() })
    await t.rejects(wanted, { message: /is used by process|its clusterDomain is "cluster.local"/ })
    const unknown = kindForTests({ cluster: 'meshmark-nobody' })
    await t.rejects(unknown.create(topology, { runId: 'nobody', ...options() }), {
      message: /there is no kept cluster meshmark-nobody/,
      hint: new RegExp(name),
    })
  })
  await t.test('counts what reaches kube-proxy', (t) => counts(t, cluster))
  await t.test('a node that is stopped comes back', async (t) => {
    const fault = await cluster.fault({ kind: 'stop-node', node: 'edge-node-b' }, options())
    t.equal(docker('inspect', '-f', '{{.State.Running}}', nodeB), 'false', 'it has no power')
    await fault[Symbol.asyncDispose]()
    const closed = ['iptables', '-C', 'FORWARD', '-o', 'eth0', '-j', 'MESHMARK-WAY-OUT']
    t.equal(spawnSync('docker', ['exec', nodeB, ...closed]).status, 0, 'its way out is closed')
    const seen = await addressesAt(cluster, { node: 'edge-node-b', network: 'container' })
    t.ok(seen.length > 0, 'a probe stands there again')
  })
  await t.test('a killed component runs again', async (t) => {
    const pid = (): string =>
      docker('exec', nodeA, 'sh', '-c', 'grep -lx kubelet /proc/[0-9]*/comm')
    const before = pid()
    const kill = { kind: 'kill-component', node: 'edge-node-a', component: 'kubelet' } as const
    const fault = await cluster.fault(kill, options())
    await fault[Symbol.asyncDispose]()
    t.ok(pid() !== '' && pid() !== before, 'as another process')
    const nobody = cluster.fault({ ...kill, component: 'nobody' }, options())
    await t.rejects(nobody, { message: /no process on edge-node-a is called nobody/ })
  })
  await cluster[Symbol.asyncDispose]()
  t.equal(await stateOf(name), 'kept', 'who used it leaves it')

  await t.test('asks name servers of a run while that lasts', namesUpstreams)
  await t.test('names the name server of a run to pods while that lasts', handsOutDns)
  await t.test('is healed of what a killed harness broke', async (t) => {
    const program = join(root, 'dist', 'harness', 'testing', 'kind-and-hold.js')
    const harness = spawn(process.execPath, [program, 'killed', name], { stdio: 'pipe' })
    await new Promise((resolve) => harness.stdout.once('data', resolve))
    const rules = (): string => docker('exec', nodeA, 'iptables', '-t', 'raw', '-S', 'PREROUTING')
    t.match(rules(), /DROP/, 'a node is cut off')
    const gone = new Promise((resolve) => harness.once('exit', resolve))
    harness.kill('SIGKILL')
    await gone
    t.match(await heal(options()), [`undid 1 faults in the cluster ${name}`])
    t.notMatch(rules(), /DROP/, 'nothing cuts it off any more')
  })
  await t.test('is cleared of what a killed walkthrough made', (t) => clears(t, first.kubeconfig))
  await removeCluster(name, options())
  t.equal(await stateOf(name), undefined, 'it is gone')
  t.equal(docker('ps', '-aq', '--filter', `name=${name}`), '', 'without a container')
})

/** Name servers in the resolv.conf of the edge nodes and of CoreDNS' pods, wherever they stand. */
function nameServers(): readonly string[] {
  const own = "sed -n 's/^nameserver //p' /etc/resolv.conf"
  const ofCoreDns = `for pid in $(grep -lx coredns /proc/[0-9]*/comm | cut -d/ -f3); do
    sed -n 's/^nameserver //p' /proc/$pid/root/etc/resolv.conf; done`
  return [
    ...[nodeA, nodeB].map((node) => docker('exec', node, 'sh', '-c', own)),
    ...[...containers.values()].flatMap((node) =>
      docker('exec', node, 'sh', '-c', ofCoreDns)
        .split('\n')
        .filter((line) => line !== ''),
    ),
  ]
}

async function namesUpstreams(t: Test): Promise<void> {
  const before = nameServers()
  const wanted = { ...topology, upstreamDns: ['edge-node-b'] }
  const run = await kindForTests({ cluster: name }).create(wanted, { runId: 'names', ...options() })
  const address = run.nodes.find((node) => node.name === 'edge-node-b')?.address ?? ''
  t.ok(run.capabilities.has('upstream-dns'))
  t.same(run.topology.upstreamDns, [address], 'who works with it is told addresses')
  t.ok(before.length > 2, 'CoreDNS runs')
  t.same(new Set(nameServers()), new Set([address]), 'nodes and CoreDNS ask it alone')
  const fault = await run.fault({ kind: 'stop-node', node: 'edge-node-b' }, options())
  await fault[Symbol.asyncDispose]()
  t.same(new Set(nameServers()), new Set([address]), 'a node that was stopped, too')
  await run[Symbol.asyncDispose]()
  t.same(nameServers(), before, 'afterwards they ask whom they asked before')
}

/** What each target needs: pods ask the server where it answers, in a cluster that was kept with another one. */
async function handsOutDns(t: Test): Promise<void> {
  for (const clusterDns of ['169.254.96.16', topology.clusterDns]) {
    const wanted = { ...topology, clusterDns }
    const of = { runId: 'dns', ...options() }
    const run = await kindForTests({ cluster: name }).create(wanted, of)
    for (const node of ['edge-node-a', 'edge-node-b']) {
      const at = { node, network: 'container' } as const
      const args = ['cat', '/etc/resolv.conf']
      await using shell = await run.spawn(at, 'shell', { args, ...options() })
      shell.end()
      t.match(await outputOf(shell), `nameserver ${clusterDns}\n`, `a pod on ${node}`)
    }
    if (clusterDns !== topology.clusterDns) {
      docker('exec', nodeA, 'ip', 'link', 'add', 'target0', 'type', 'dummy')
      docker('exec', nodeA, 'ip', 'addr', 'add', `${clusterDns}/32`, 'dev', 'target0')
      docker('exec', nodeB, 'ip', 'addr', 'add', `${clusterDns}/32`, 'dev', 'lo')
    }
    await run[Symbol.asyncDispose]()
    for (const node of [nodeA, nodeB])
      t.notMatch(docker('exec', node, 'ip', 'addr'), '169.254.96.16', 'what a target left is gone')
    t.notMatch(docker('exec', nodeA, 'ip', 'link'), 'target0', 'with its link')
    const conf = docker('exec', nodeA, 'grep', '-A1', 'clusterDNS', '/var/lib/kubelet/config.yaml')
    t.match(conf, topology.clusterDns, 'afterwards the node has what it had')
  }
}

/** Only `doctor --heal`, or the next run, removes what the dead one made; what a person made stays. */
async function clears(t: Test, kubeconfig: string): Promise<void> {
  const kubectl = (...argv: readonly string[]): string =>
    spawnSync('kubectl', ['--kubeconfig', kubeconfig, ...argv], { encoding: 'utf8' }).stdout.trim()
  const own = (): string =>
    kubectl('get', 'deploy,rs,pods,svc,cm,sa,ns,clusterroles,crd', '-A', '-o', 'name')
      .split('\n')
      // why: the pods at the positions are the cluster's, and who looks first makes them
      .filter((line) => !line.includes('/container-') && !line.includes('/host-'))
      .join('\n')
  kubectl('create', 'configmap', 'mine')
  kubectl('label', 'configmap', 'mine', 'meshmark.dev/run-id=mine')
  const before = own()
  for (const next of ['doctor --heal', 'the next run']) {
    await killedWalkthrough(() => kubectl('get', 'svc', '-o', 'name').includes('nginx'))
    const marked = kubectl('get', 'deploy,svc', '-l', 'meshmark.dev/run-id', '-o', 'name')
    t.match(marked, /nginx-deployment\n.*nginx-svc$/, 'what it made is there, and marked')
    if (next === 'doctor --heal') {
      const doctor = spawnSync(process.execPath, [cli, 'doctor', '--heal'], { encoding: 'utf8' })
      t.match(
        doctor.stderr,
        new RegExp(`removed .*Deployment default/nginx-deployment.* from the cluster ${name}`),
      )
    } else {
      const lines: string[] = []
      const again = kindForTests({ cluster: name }).create(topology, {
        runId: 'after',
        progress: (line) => lines.push(line),
        ...options(),
      })
      await (await again)[Symbol.asyncDispose]()
      t.match(
        lines.join('\n'),
        /removed .*Deployment default\/nginx-deployment.*, which a dead run had left/,
      )
    }
    t.equal(own(), before, `${next} removes it, and nothing else`)
  }
  t.same(await heal(options()), [], 'once')
}

const cli = join(root, 'dist', 'harness', 'cli', 'main.js')

/** Walks the tutorial in the kept cluster until something is true, and is killed. */
async function killedWalkthrough(until: () => boolean): Promise<void> {
  const flags = ['--provider', 'kind', '--cluster', name, '--target', 'kube-proxy-coredns']
  const argv = [cli, 'walkthrough', ...flags, '--out', join(tmpdir(), name)]
  const run = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  run.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const gone = new Promise((resolve) => run.once('exit', resolve))
  const deadline = performance.now() + stepMs
  while (!until()) {
    if (performance.now() > deadline || run.exitCode !== null)
      throw new Error(`the walkthrough did not come so far: ${said}`)
    await delay(100)
  }
  run.kill('SIGKILL')
  await gone
  await rm(join(tmpdir(), name), { recursive: true, force: true })
}

/** A Service whose backend is the API server: a connection to it passes kube-proxy. */
async function counts(t: Test, cluster: Cluster): Promise<void> {
  const master = cluster.nodes.find(({ role }) => role === 'master')?.address ?? ''
  const metadata = { name: 'other-api', namespace: 'default' }
  await using _ = await cluster.apply(
    [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { ports: [{ port: 443, targetPort: 6443 }] },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'other-api' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [master], conditions: { ready: true } }],
        ports: [{ name: '', port: 6443, protocol: 'TCP' }],
      },
    ],
    options(),
  )
  const type = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Service' }, options())
  const service = await cluster.kube.get(type, metadata, options())
  const { clusterIP = '' } = (service?.['spec'] ?? {}) as { readonly clusterIP?: string }
  const before = (await cluster.kubeProxyConnections?.(options())) ?? 0
  const at = { node: 'edge-node-a', network: 'container' } as const
  const ask = `for i in $(seq 50); do curl -ks --max-time 2 https://${clusterIP}/version && exit; sleep 0.2; done`
  await using shell = await cluster.spawn(at, 'shell', { args: ['sh', '-c', ask], ...options() })
  shell.end()
  t.match(await outputOf(shell), /gitVersion/, 'the Service answers')
  const after = (await cluster.kubeProxyConnections?.(options())) ?? 0
  t.ok(after > before, `${after - before} connections were counted`)
}
