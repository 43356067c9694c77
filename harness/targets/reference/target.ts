import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, ImageSource } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { KubeObject } from '../../model/kubernetes.ts'
import type { DeployedTarget, Feature, Target } from '../../model/target.ts'
import { daemonSetReady } from '../shared/daemonset.ts'
import { logOn } from '../shared/log.ts'
import { inProcess, pidsOn, signalPrograms, usageOf } from '../shared/processes.ts'
import { adminUrl, pathsOn } from './paths.ts'

export interface ReferenceInit {
  /** Folder of the installed package; the manifests lie in its `reference-impl/deploy`. */
  readonly packageDirectory: string
  readonly version: string
  /** Image with Node.js and Debian's apt that the agent's image is built on; the Dockerfile's own when absent. */
  readonly baseImage?: string
  /** Who forwards: the kernel's rules, or the agent itself on hosts without nftables. */
  readonly proxyMode?: ProxyMode
}

export const proxyModes = ['nftables', 'userspace'] as const
export type ProxyMode = (typeof proxyModes)[number]

/** What only the kernel can do: backends see this node, not the client, when the agent forwards. */
const kernelOnly: ReadonlySet<Feature> = new Set<Feature>([
  'netfilterRules',
  'sourceIP',
  'externalTrafficPolicy',
])

/** How long the agents may take to become ready on every node: first list, first rules, image pull apart. */
const readyMs = 60_000

/** MESHMARK_STATE_DIR of daemonset.yaml. */
const stateFolder = '/var/lib/meshmark-reference'

const pods = {
  namespace: 'kube-system',
  labelSelector: 'app.kubernetes.io/name=meshmark-reference',
} as const

/** How the agent is known in a process list. */
const agent = { program: 'node', argument: 'reference-impl/main.js' } as const

/**
 * What reference-impl does beyond the core. Not there: podRecords (a pod's name is NXDOMAIN).
 */
const features: ReadonlySet<Feature> = new Set<Feature>([
  'l7-proxy',
  'path-metrics',
  'node-dns',
  'persisted-cache',
  'netfilterRules',
  'serviceFilter',
  'externalName',
  'nodePort',
  'externalIPs',
  'sourceIP',
  'internalTrafficPolicy',
  'externalTrafficPolicy',
  'terminatingEndpoints',
  'trafficDistribution',
  'h2',
  'retries',
  'forwardedHeaders',
  'destinationRule',
  'random',
  'leastRequest',
  'consistentHash',
])

/** The data plane that ships with meshmark. */
export function reference({
  packageDirectory,
  version,
  baseImage,
  proxyMode = 'nftables',
}: ReferenceInit): Target {
  const source = (): Promise<ImageSource> => imageSource(packageDirectory, baseImage)
  return {
    id: 'reference',
    identity: {
      organization: 'meshmark',
      project: 'meshmark reference data plane',
      url: 'https://github.com/meshmark/meshmark',
      version,
      ...(proxyMode !== 'nftables' && { mode: `proxy mode ${proxyMode}` }),
      contact: [],
    },
    features:
      proxyMode === 'nftables'
        ? features
        : new Set([...features].filter((feature) => !kernelOnly.has(feature))),
    topology: { clusterDns: '169.254.96.16' },
    kubeProxy: 'absent',
    images: async () => [await source()],
    deploy: async (cluster, options) => {
      const image = await cluster.loadImage?.(await source(), options)
      const manifests = await deployManifests(packageDirectory, cluster, image, proxyMode)
      const daemonSet = manifests.find((manifest) => manifest.kind === 'DaemonSet')
      if (daemonSet === undefined)
        throw new TargetError('deploy-failed', 'reference-impl/deploy has no DaemonSet')
      const applied = await cluster.apply(manifests, options)
      return deployed(cluster, daemonSet, applied)
    },
  }
}

/** What kustomization.yaml names, in its order. */
const manifestFiles: readonly string[] = ['rbac.yaml', 'daemonset.yaml']

/** The shipped manifests, told where this cluster's API is and which domain it serves. */
async function deployManifests(
  packageDirectory: string,
  cluster: Cluster,
  image: string | undefined,
  proxyMode: ProxyMode,
): Promise<readonly KubeObject[]> {
  const folder = join(packageDirectory, 'reference-impl', 'deploy')
  const texts = await Promise.all(manifestFiles.map((file) => readFile(join(folder, file), 'utf8')))
  const env = {
    KUBE_API_SERVER: cluster.apiServer,
    CLUSTER_DOMAIN: cluster.topology.clusterDomain,
    MESHMARK_PROXY_MODE: proxyMode,
  }
  return parseAllDocuments(texts.join('\n---\n'))
    .map((document) => document.toJS() as KubeObject)
    .map((manifest) => (manifest.kind === 'DaemonSet' ? adapted(manifest, env, image) : manifest))
}

interface DaemonSetSpec {
  readonly template: {
    readonly spec: { readonly containers: readonly Container[] } & Readonly<Record<string, unknown>>
  } & Readonly<Record<string, unknown>>
}

type Container = Readonly<Record<string, unknown>> & {
  readonly env?: readonly { readonly name: string }[]
}

/** What the image of the agent is made of; its Dockerfile is the one that is shipped. */
async function imageSource(
  packageDirectory: string,
  baseImage: string | undefined,
): Promise<ImageSource> {
  const dockerfile = join(packageDirectory, 'reference-impl', 'deploy', 'Dockerfile')
  return {
    name: 'meshmark/reference',
    folders: ['dist/reference-impl'],
    packages: ['yaml'],
    dockerfile: (await readFile(dockerfile, 'utf8')).replace(/^ARG BASE_IMAGE=.*$/m, (usual) =>
      baseImage === undefined ? usual : `ARG BASE_IMAGE=${baseImage}`,
    ),
  }
}

function adapted(
  manifest: KubeObject,
  values: Readonly<Record<string, string>>,
  image: string | undefined,
): KubeObject {
  const spec = manifest['spec'] as DaemonSetSpec
  const added = Object.entries(values).map(([name, value]) => ({ name, value }))
  const containers = spec.template.spec.containers.map((container) => ({
    ...container,
    ...(image !== undefined && { image }),
    env: [...(container.env ?? []).filter(({ name }) => !(name in values)), ...added],
  }))
  const template = { ...spec.template, spec: { ...spec.template.spec, containers } }
  return { ...manifest, spec: { ...spec, template } }
}

function deployed(
  cluster: Cluster,
  daemonSet: KubeObject,
  applied: AsyncDisposable,
): DeployedTarget {
  return {
    ready: (options: AbortOptions) =>
      daemonSetReady(
        cluster,
        daemonSet,
        { nodes: cluster.nodes.length, withinMs: readyMs },
        options,
      ),
    restart: (node, how, options) => signalPrograms(cluster, node, agent, how, options),
    usage: (node, options) => usageOf(cluster, node, [agent], options),
    pods,
    pids: (node, options) => pidsOn(cluster, node, agent, options),
    documented: {
      files: [stateFolder],
      ports: [53, 10_354],
      refuses: { env: { MESHMARK_DNS_PORT: 'http' }, key: 'MESHMARK_DNS_PORT' },
      tellsBy: { help: ['--help'], version: ['--version'] },
    },
    paths: (node, options) => pathsOn(cluster, daemonSet, node, options),
    tells: {
      liveness: `${adminUrl(daemonSet)}/healthz`,
      readiness: `${adminUrl(daemonSet)}/readyz`,
      metrics: `${adminUrl(daemonSet)}/metrics`,
      version: `${adminUrl(daemonSet)}/version`,
    },
    // why: its state lies in a volume, which is seen from inside of it alone; stopped, it cannot save it again
    forget: (node, options) =>
      inProcess(
        cluster,
        node,
        agent,
        (root) => `kill -STOP $pid; rm -rf ${root}${stateFolder}/*`,
        options,
      ),
    log: (node, sinceSeconds, options) => logOn(cluster, pods, { node, sinceSeconds }, options),
    [Symbol.asyncDispose]: () => applied[Symbol.asyncDispose](),
  }
}
