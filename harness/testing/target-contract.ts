import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { broughtBy } from '../engine/brought.ts'
import type { Cluster, ClusterProvider } from '../model/cluster.ts'
import type { KubeObject } from '../model/kubernetes.ts'
import type { DeployedTarget, Target } from '../model/target.ts'
import type { Topology } from '../model/topology.ts'
import { connectProbe } from '../probes/client.ts'

/** How long any one step of the contract may take on a slow machine. */
const stepMs = 120_000

const options = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(stepMs) })

const labels = { app: 'contract' }

/** A Service that every target has to carry, and the pod behind it. */
const service: readonly KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'contract', namespace: 'default' },
    spec: { selector: labels, ports: [{ name: 'http-0', port: 12_345, targetPort: 80 }] },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'contract', namespace: 'default', labels },
    spec: {
      nodeName: 'edge-node-b',
      terminationGracePeriodSeconds: 1,
      tolerations: [{ operator: 'Exists' }],
      containers: [{ name: 'nginx', image: 'nginx:1.22' }],
    },
  },
]

/**
 * What every target promises: deployed and ready it carries a Service by name on each edge node, tells who it is and
 * what it uses, comes back after TERM and KILL, and leaves nothing behind.
 */
export async function targetContract(
  t: Test,
  target: Target,
  provider: ClusterProvider,
  topology: Topology,
): Promise<void> {
  await using cluster = await provider.create(
    { ...topology, ...target.topology },
    { runId: `target-${process.pid}`, ...options(), ...(await broughtBy(target)) },
  )
  const before = await everything(cluster)
  const deployed = await target.deploy(cluster, options())
  await deployed.ready(options())
  await using _service = await cluster.apply(service, options())
  await t.test('it carries a Service by name on every edge node', (t) => carried(t, cluster))
  await t.test('it tells who it is', async (t) => {
    const { version, project } = { ...target.identity, ...(await deployed.identity?.(options())) }
    t.match(project, /\w/)
    t.match(version, /\w/)
  })
  await t.test('it tells what it uses', async (t) => {
    const { cpuUs, rssBytes, openFiles } = await deployed.usage('edge-node-a', options())
    t.ok(cpuUs > 0, `CPU ${cpuUs} us`)
    t.ok(rssBytes > 1_000_000, `RSS ${rssBytes}`)
    t.ok(openFiles > 2, `open files ${openFiles}`)
  })
  for (const how of ['term', 'kill'] as const)
    await t.test(`it is another process after ${how}, and carries the Service again`, (t) =>
      restarted(t, cluster, deployed, how),
    )
  await t.test('it leaves nothing behind', async (t) => {
    await _service[Symbol.asyncDispose]()
    await deployed[Symbol.asyncDispose]()
    t.same(await everything(cluster), before)
  })
}

async function carried(t: Test, cluster: Cluster): Promise<void> {
  for (const node of ['edge-node-a', 'edge-node-b']) {
    await using probe = connectProbe(
      await cluster.spawn({ node, network: 'container' }, 'probe', options()),
    )
    const url = `http://contract.default.svc.${cluster.topology.clusterDomain}:12345/`
    const deadline = performance.now() + stepMs / 2
    let seen = ''
    while (seen !== 'http 200' && performance.now() < deadline) {
      const answer = await probe.run({ kind: 'http', url, timeoutMs: 2_000 }, options())
      seen = answer.kind === 'http' ? `http ${answer.status}` : JSON.stringify(answer)
      if (seen !== 'http 200') await delay(100)
    }
    t.equal(seen, 'http 200', `${url} on ${node}`)
  }
}

async function restarted(
  t: Test,
  cluster: Cluster,
  deployed: DeployedTarget,
  how: 'term' | 'kill',
): Promise<void> {
  const processes = async (): Promise<readonly number[]> =>
    (await deployed.pids?.('edge-node-a', options())) ?? []
  const before = await processes()
  t.ok(before.length > 0, 'it tells the ids of its processes')
  await deployed.restart('edge-node-a', how, options())
  const deadline = performance.now() + stepMs / 2
  let now: readonly number[] = []
  while (
    (now.length === 0 || now.some((pid) => before.includes(pid))) &&
    performance.now() < deadline
  ) {
    await delay(20)
    now = await processes()
  }
  t.ok(now.length > 0, 'a process runs')
  t.same(
    now.filter((pid) => before.includes(pid)),
    [],
    'no process of before',
  )
  await deployed.ready(options())
  await carried(t, cluster)
}

/** Kinds of which a target might leave something. */
const kinds = [
  ['apps/v1', 'DaemonSet'],
  ['apps/v1', 'Deployment'],
  ['v1', 'Namespace'],
  ['v1', 'Service'],
  ['v1', 'ConfigMap'],
  ['v1', 'Secret'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRoleBinding'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
] as const

async function everything({ kube }: Cluster): Promise<readonly string[]> {
  const found: string[] = []
  for (const [apiVersion, kind] of kinds) {
    const { items } = await kube.list(await kube.typeOf({ apiVersion, kind }, options()), options())
    for (const { metadata } of items)
      // why: the cluster writes these when it gets round to it, and the probes have a namespace of their own
      if (!['kube-root-ca.crt', 'meshmark-probes'].includes(metadata.name))
        found.push(`${kind} ${metadata.namespace ?? ''}/${metadata.name}`)
  }
  return found.sort()
}
