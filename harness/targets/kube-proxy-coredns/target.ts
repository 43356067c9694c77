import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import type { DeployedTarget, Feature, Identity, Target } from '../../model/target.ts'
import { logOn } from '../shared/log.ts'
import { pidsOn, signalPrograms, usageOf } from '../shared/processes.ts'
import { runShell } from '../shared/shell.ts'
import { kubeProxyImage, ownParts } from './manifests.ts'
import { ownPrograms, versionsOf } from './programs.ts'

const namespace = 'kube-system'

const pods = { namespace, labelSelector: 'k8s-app=kube-proxy' } as const

/** What Kubernetes' own documentation says of Services and DNS; HTTP/2 passes, as all bytes do. */
const features: ReadonlySet<Feature> = new Set([
  'ipv6',
  'nodePort',
  'externalIPs',
  'internalTrafficPolicy',
  'externalTrafficPolicy',
  'trafficDistribution',
  'terminatingEndpoints',
  'sourceIP',
  'externalName',
  'netfilterRules',
  'h2',
])

/** How long the parts of a fresh cluster may take to be ready. */
const readyMs = 120_000

const parts = {
  'kube-proxy': { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  coredns: { apiVersion: 'apps/v1', kind: 'Deployment' },
} as const

type PartName = keyof typeof parts

const partNames = Object.keys(parts) as readonly PartName[]

export interface KubeProxyCoreDnsInit {
  /** Mode of the kube-proxy that provider local starts; elsewhere the cluster has one already. */
  readonly mode?: 'iptables' | 'nftables'
}

/**
 * What Kubernetes itself brings: kube-proxy and CoreDNS as they stand in the cluster. Where one of them is missing the
 * cluster is refused, but on provider local, which has neither: there the programs of this machine are run.
 */
export function kubeProxyCoreDns({ mode = 'iptables' }: KubeProxyCoreDnsInit = {}): Target {
  return {
    id: 'kube-proxy-coredns',
    identity: {
      organization: 'kubernetes',
      project: 'kube-proxy + CoreDNS',
      url: 'https://kubernetes.io/docs/reference/networking/virtual-ips',
      version: "the cluster's own",
      contact: [],
    },
    features,
    topology: {},
    programs: () => Promise.resolve(ownPrograms()),
    deploy: async (cluster, options) => {
      const applied =
        cluster.provider === 'local' ? await install(cluster, mode, options) : undefined
      await verify(cluster, options)
      return deployed(cluster, applied)
    },
  }
}

async function install(
  cluster: Cluster,
  mode: 'iptables' | 'nftables',
  options: AbortOptions,
): Promise<AsyncDisposable> {
  const { topology, apiServer } = cluster
  const versions = await versionsOf(ownPrograms())
  return cluster.apply(ownParts({ mode, topology, apiServer, ...versions }), options)
}

function deployed(cluster: Cluster, applied: AsyncDisposable | undefined): DeployedTarget {
  return {
    ready: (options) => everyPartReady(cluster.kube, options),
    identity: (options) => identityOf(cluster, options),
    restart: (node, how, options) => signalPrograms(cluster, node, 'kube-proxy', how, options),
    usage: (node, options) => usageOf(cluster, node, partNames, options),
    pods,
    pids: (node, options) => pidsOn(cluster, node, 'kube-proxy', options),
    documented: {
      // why: kubernetes.io/docs/reference/networking/ports-and-protocols and its own flags' defaults
      ports: [10_249, 10_256],
      refuses: { args: ['--v=loud'], key: 'v' },
      tellsBy: { help: ['--help'], version: ['--version'] },
    },
    tells: {
      liveness: 'http://127.0.0.1:10256/livez',
      readiness: 'http://127.0.0.1:10256/healthz',
      metrics: 'http://127.0.0.1:10249/metrics',
    },
    log: (node, sinceSeconds, options) => logOn(cluster, pods, { node, sinceSeconds }, options),
    [Symbol.asyncDispose]: async () => {
      if (applied === undefined) return
      await applied[Symbol.asyncDispose]()
      await cleanUp(cluster)
    },
  }
}

/** How long the removal of kube-proxy's rules may take on all nodes. */
const cleanUpMs = 60_000

/** What its documentation says to do with its rules when it is gone: `kube-proxy --cleanup`. */
async function cleanUp(cluster: Cluster): Promise<void> {
  const [program = ''] = ownPrograms()[kubeProxyImage] ?? []
  const options = { signal: AbortSignal.timeout(cleanUpMs) }
  for (const { name } of cluster.nodes)
    await runShell(cluster, { node: name, network: 'host' }, `${program} --cleanup 2>&1`, options)
}

/** @throws TargetError 'deploy-failed' naming what is missing */
async function verify({ kube, provider }: Cluster, options: AbortOptions): Promise<void> {
  for (const name of partNames) {
    if ((await part(kube, name, options)) !== undefined) continue
    throw new TargetError(
      'deploy-failed',
      `this cluster of provider ${provider} has no ${parts[name].kind} ${namespace}/${name}`,
      {
        hint: 'use --provider kind, or a cluster that kubeadm made, without --kube-proxy-mode none',
      },
    )
  }
}

/** @throws TargetError 'not-ready' naming the part and its numbers */
async function everyPartReady(kube: KubeClient, { signal }: AbortOptions): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(readyMs)])
  for (const name of partNames)
    for (;;) {
      const object = await part(kube, name, { signal })
      if (object !== undefined && isReady(object)) break
      signal.throwIfAborted()
      if (bounded.aborted)
        throw new TargetError(
          'not-ready',
          `${parts[name].kind} ${name} is not ready after ${readyMs / 1_000} s: ${JSON.stringify(object?.['status'])}`,
        )
      await delay(200, undefined, { signal })
    }
}

async function part(
  kube: KubeClient,
  name: PartName,
  options: AbortOptions,
): Promise<KubeObject | undefined> {
  const type = await kube.typeOf(parts[name], options)
  return kube.get(type, { name, namespace }, options)
}

function isReady({ kind, status }: KubeObject): boolean {
  const numbers = (status ?? {}) as Readonly<Record<string, number | undefined>>
  const [wanted, ready] =
    kind === 'DaemonSet'
      ? [numbers['desiredNumberScheduled'], numbers['numberReady']]
      : [numbers['replicas'], numbers['readyReplicas']]
  return wanted !== undefined && wanted > 0 && ready === wanted
}

/** Which programs these are: versions from the images' tags, the mode from kube-proxy itself. */
async function identityOf(
  cluster: Cluster,
  options: AbortOptions,
): Promise<Pick<Identity, 'version' | 'mode'>> {
  const [kubeProxy, coreDns, mode] = await Promise.all([
    tagOf(cluster.kube, 'kube-proxy', options),
    tagOf(cluster.kube, 'coredns', options),
    modeOf(cluster, options),
  ])
  return {
    version: `${kubeProxy} + ${coreDns}`,
    mode: `kube-proxy mode ${mode}`,
  }
}

async function tagOf(kube: KubeClient, name: PartName, options: AbortOptions): Promise<string> {
  const object = await part(kube, name, options)
  const spec = object?.['spec'] as
    | {
        readonly template: { readonly spec: { readonly containers: readonly { image: string }[] } }
      }
    | undefined
  const image = spec?.template.spec.containers[0]?.image.split('@')[0] ?? ''
  return /:([^/:]+)$/.exec(image)?.[1] ?? 'of unknown version'
}

/** kube-proxy tells it on its metrics port; where nobody may ask there, its ConfigMap says what it was told. */
async function modeOf(cluster: Cluster, options: AbortOptions): Promise<string> {
  const node = cluster.nodes.find(({ role }) => role !== 'master') ?? cluster.nodes[0]
  if (node !== undefined && cluster.capabilities.has('node-access'))
    try {
      const ask = 'curl -fsS --max-time 5 http://127.0.0.1:10249/proxyMode'
      return (await runShell(cluster, { node: node.name, network: 'host' }, ask, options)).trim()
    } catch (error) {
      if (!(error instanceof TargetError)) throw error
    }
  const maps = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'ConfigMap' }, options)
  const map = await cluster.kube.get(maps, { name: 'kube-proxy', namespace }, options)
  const { 'config.conf': text = '' } = (map?.['data'] ?? {}) as Readonly<Record<string, string>>
  const { mode = '' } = (parse(text) ?? {}) as { readonly mode?: string }
  // why: an empty mode means iptables on Linux (kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1)
  return mode === '' ? 'iptables' : mode
}
