import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import type {
  Capability,
  Cluster,
  CreateOptions,
  Position,
  ProgramChannel,
  ProgramName,
  SpawnOptions,
} from '../../model/cluster.ts'
import { ClusterError, KubeError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { probeImageDirectory } from '../images/probe.ts'
import { applyManifests } from '../kube/apply.ts'
import { kubeClient } from '../kube/client.ts'
import { runMark } from '../kube/run-mark.ts'
import { builtInTypes, endpoints, nodes as nodeType } from '../kube/types.ts'
import { execInPod } from '../remote/exec.ts'
import { probeContainer, probePod, probePodAt, type ProbePodsInit } from '../remote/probe-pods.ts'
import type { KubeconfigAccess } from '../remote/read-kubeconfig.ts'
import { chooseNodes } from './nodes.ts'
import { kubeProxyOf } from './kube-proxy.ts'
import { makeOwnNamespace, removeNamespace } from './own-namespace.ts'
import { removeLeftOf } from './left.ts'

export interface ConnectInit {
  readonly access: KubeconfigAccess
  /** Path of the user's kubeconfig; it is read and never written. */
  readonly kubeconfig: string
  /** Names of edge nodes; those with the edge label when empty. */
  readonly edgeNodes: readonly string[]
  /** Image of the probes, as the nodes know it. */
  readonly probeImage: string
  /** What an image of ours is called in the nodes. */
  readonly imageName: (source: Parameters<NonNullable<Cluster['loadImage']>>[0]) => Promise<string>
}

/** How long the removal of a run's namespace may take; it is not given up with the run. */
const removalMs = 150_000

/** Makes a `Cluster` of one that exists: a namespace of the run's own in it, and nothing else. */
export async function connect(
  init: ConnectInit,
  wanted: Topology,
  options: CreateOptions,
): Promise<Cluster> {
  await using held = new ResourceStack()
  const { signal, runId, progress } = options
  if (wanted.upstreamDns !== undefined)
    throw new ClusterError(
      'provision-failed',
      `upstreamDns: got ${wanted.upstreamDns.join(', ')}, but the nodes of this cluster stay as they are`,
      { hint: 'use --provider local for this topology' },
    )
  const kube = held.use(kubeClient(init.access))
  const left = await removeLeftOf(kube, { wait: false }, { signal })
  for (const name of left) progress?.(`removed the ${name}, which a dead run had left`)
  const mark = await runMark(runId)
  const nodes = chooseNodes((await kube.list(nodeType, { signal })).items, init.edgeNodes)
  const namespace = await makeOwnNamespace(kube, runId, mark, { signal })
  held.defer(() => removeNamespace(kube, namespace, { signal: AbortSignal.timeout(removalMs) }))
  const topology: Topology = {
    ...wanted,
    lans: [{ name: 'cluster', cidr: '0.0.0.0/0', uplink: 'open' }],
    nodes: nodes.map(({ name, role, lan }) => ({ name, role, lan })),
  }
  const pods: ProbePodsInit = {
    kube,
    image: init.probeImage,
    namespace,
    pullPolicy: 'IfNotPresent',
    dns: { server: topology.clusterDns, clusterDomain: topology.clusterDomain },
  }
  const { body } = await kube.request('GET', '/version', { signal })
  const { gitVersion = '' } = JSON.parse(body) as { readonly gitVersion?: string }
  const capabilities = await capabilitiesOf(pods, nodes[0]?.name ?? '', { signal })
  const shell = async (node: string, script: string, each: AbortOptions): Promise<string> => {
    const at = { node, network: 'host' } as const
    const args = ['sh', '-c', script]
    await using channel = await spawnAt(init.access, pods, at, 'shell', { ...each, args })
    channel.end()
    const lines: string[] = []
    for await (const line of channel.messages) lines.push(String(line))
    const { code, stderr } = await channel.exited
    if (code !== 0) throw new ClusterError('program-failed', `sh on ${node}: ${stderr.trim()}`)
    return lines.join('\n')
  }
  const kubeProxy = await kubeProxyOf(
    { kube, nodes, ...(capabilities.has('node-access') && { run: shell }) },
    { signal },
  )
  if (kubeProxy !== undefined)
    held.defer(() => kubeProxy.remove({ signal: AbortSignal.timeout(removalMs) }))
  const own = held.move()
  return {
    provider: 'kubeconfig',
    capabilities,
    kubeconfig: init.kubeconfig,
    apiServer: (await apiInside(kube, { signal })) ?? init.access.server,
    topology: {
      ...topology,
      ...(kubeProxy?.mode !== undefined && { kubeProxy: kubeProxy.mode }),
    },
    namespace,
    nodes,
    description: {
      kubernetes: gitVersion,
      context: init.access.context,
      'nodes of the cluster': String(nodes.length),
      'node access': capabilities.has('node-access') ? 'yes' : 'no',
    },
    kube,
    spawn: (at, program, each) => spawnAt(init.access, pods, at, program, each),
    apply: (manifests, each) => applyManifests(kube, manifests, { ...each, mark }),
    loadImage: (source) => init.imageName(source),
    ...(kubeProxy !== undefined && { kubeProxyConnections: kubeProxy.count }),
    fault: ({ kind }) => {
      throw new ClusterError('fault-failed', `provider kubeconfig breaks nothing (${kind})`, {
        hint: 'use --provider local or kind for this',
      })
    },
    collect: (directory, each) => collect(kube, namespace, directory, each),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

/** Where the API is for a cluster's own nodes; from outside it often has another address. */
async function apiInside(kube: KubeClient, options: AbortOptions): Promise<string | undefined> {
  const key = { namespace: 'default', name: 'kubernetes' }
  const found = await kube.get(endpoints, key, options)
  const [subset] = (found?.['subsets'] ?? []) as readonly {
    readonly addresses?: readonly { readonly ip: string }[]
    readonly ports?: readonly { readonly port: number }[]
  }[]
  const { ip } = subset?.addresses?.[0] ?? {}
  const { port } = subset?.ports?.[0] ?? {}
  if (ip === undefined || port === undefined) return undefined
  return `https://${ip.includes(':') ? `[${ip}]` : ip}:${port}`
}

/** Asks the API whether a probe may stand on a node: a dry run of the privileged pod, which no admission may refuse. */
async function capabilitiesOf(
  pods: ProbePodsInit,
  node: string,
  { signal }: AbortOptions,
): Promise<ReadonlySet<Capability>> {
  const body = probePod(pods, { node, network: 'host' })
  const path = `/api/v1/namespaces/${pods.namespace}/pods?dryRun=All`
  const { status } = await pods.kube.request('POST', path, { body, signal })
  return new Set(['multi-node', 'kubernetes', ...(status < 300 ? (['node-access'] as const) : [])])
}

async function spawnAt(
  access: KubeconfigAccess,
  pods: ProbePodsInit,
  at: Position,
  program: ProgramName,
  options: SpawnOptions,
): Promise<ProgramChannel> {
  const { pod } = await probePodAt(pods, at, options)
  const { cpus = [], args = [] } = options
  const folder = program === 'probe' ? 'probes' : 'load'
  const main =
    program === 'shell' ? [] : ['node', `${probeImageDirectory}/dist/harness/${folder}/main.js`]
  const argv = [...(cpus.length === 0 ? [] : ['taskset', '-c', cpus.join(',')]), ...main, ...args]
  if (argv.length === 0) throw new ClusterError('program-failed', 'shell: got no program to run')
  return execInPod(
    access,
    { namespace: pods.namespace, pod, container: probeContainer, argv },
    options,
  )
}

/** The nodes, and the objects of the run's own namespace; nobody else's. */
async function collect(
  kube: KubeClient,
  namespace: string,
  directory: string,
  { signal }: AbortOptions,
): Promise<void> {
  await mkdir(directory, { recursive: true })
  const own = builtInTypes.filter((type) => type.namespaced && type.plural !== 'secrets')
  for (const type of [nodeType, ...own])
    try {
      const { items } = await kube.list(type, { ...(type.namespaced && { namespace }), signal })
      const file = `${type.plural}${type.group === '' ? '' : `.${type.group}`}.json`
      if (items.length > 0) await writeFile(join(directory, file), JSON.stringify(items, null, 2))
    } catch (error) {
      // why: a right that the run itself does not need may be missing
      if (!(error instanceof KubeError)) throw error
    }
}
