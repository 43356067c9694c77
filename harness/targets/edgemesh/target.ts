import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { KubeObject } from '../../model/kubernetes.ts'
import type { DeployedTarget, Target } from '../../model/target.ts'
import { logOn } from '../shared/log.ts'
import { pidsOn, signalPrograms, usageOf } from '../shared/processes.ts'
import { verifyProgram } from '../shared/programs.ts'
import { runShell } from '../shared/shell.ts'
import { agentName, edgeMeshManifests, namespace, shippedResources } from './manifests.ts'
import { whyNot } from './why-not.ts'

export interface EdgeMeshInit {
  /** Image of the agent, present in Docker or in a registry that the nodes reach. */
  readonly image?: string
  /** `shipped` limits each agent to 200m CPU and 256 MiB, as EdgeMesh's own manifests do. */
  readonly resources?: 'shipped' | 'none'
  /** The agent as a program of this machine, for provider local, where containers are no images. */
  readonly binary?: string
}

/** What EdgeMesh's own manifests name. */
const defaultImage = 'kubeedge/edgemesh-agent:v1.17.0'

/** Its documentation: edgeDNS and edgeTunnel (reference/config-items), mDNS in a LAN (RFC 6762; proposal for high availability). */
const documentedPorts = [53, 20_006, 5_353]

/** Where the DNS server of every agent answers. */
const dnsAddress = '169.254.96.16'

/** How long the agents may take to answer names on every edge node. */
const readyMs = 90_000

interface ServiceKey {
  readonly namespace: string
  readonly name: string
}

/** EdgeMesh would take it as well and send it through its tunnel to a node without an agent. */
const clusterDnsService: ServiceKey = { namespace: 'kube-system', name: 'kube-dns' }

/** Its guide has it left to kube-proxy. */
const apiService: ServiceKey = { namespace: 'default', name: 'kubernetes' }

const pods = { namespace, labelSelector: `kubeedge=${agentName}` } as const

const filterLabel = 'service.edgemesh.kubeedge.io/service-proxy-name'

/**
 * EdgeMesh (github.com/kubeedge/edgemesh), deployed by its own agents' manifests, on every edge node.
 * @throws TargetError 'deploy-failed' for a binary that this machine cannot run
 */
export function edgeMesh({ image = defaultImage, resources, binary }: EdgeMeshInit): Target {
  if (binary !== undefined) verifyProgram('--target-binary', binary)
  // why: provider local has no limits of CPU and memory to set
  const limits = resources ?? (binary === undefined ? 'shipped' : 'none')
  return {
    id: 'edgemesh',
    identity: {
      organization: 'kubeedge',
      project: 'EdgeMesh',
      url: 'https://github.com/kubeedge/edgemesh',
      version: binary === undefined ? (image.split(':').at(-1) ?? 'unknown') : hashOf(binary),
      mode: modeOf(limits),
      contact: ['@kubeedge/edgemesh-maintainers'],
    },
    // why: no l7-proxy; the agent forwards bytes, whatever a port is called, and reads HTTP only to hash a header
    features: new Set([
      'nodePort',
      'destinationRule',
      'random',
      'consistentHash',
      'serviceFilter',
      'netfilterRules',
    ]),
    topology: { clusterDns: dnsAddress },
    kubeProxy: 'absent',
    imageNames: [image],
    programs: () => {
      if (binary === undefined)
        throw new TargetError(
          'unsupported',
          'EdgeMesh comes as an image, and the containers of provider local are programs of this machine',
          { hint: 'name its program: --target-binary ./edgemesh-agent; or use --provider kind' },
        )
      return Promise.resolve({ [image]: [resolve(binary)] })
    },
    deploy: async (cluster, options) => {
      const manifests = edgeMeshManifests({
        image,
        resources: limits,
        psk: randomBytes(32).toString('base64'),
        apiServer: hostAndPort(cluster.apiServer),
      })
      const unlabel = await keepAway(cluster, options)
      return deployed(cluster, await cluster.apply(manifests, options), unlabel)
    },
  }
}

function modeOf(resources: 'shipped' | 'none'): string {
  const { cpu, memory } = shippedResources.limits
  return resources === 'shipped' ? `as shipped: CPU ${cpu}, memory ${memory}` : 'no limits'
}

/** Characters of a program's hash that name it. */
const hashCharacters = 12

/** A program says little of itself that can be trusted; its bytes are what was measured. */
function hashOf(binary: string): string {
  const hash = createHash('sha256').update(readFileSync(binary)).digest('hex')
  return `program sha256:${hash.slice(0, hashCharacters)}`
}

function hostAndPort(url: string): { readonly host: string; readonly port: string } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: port === '' ? '443' : port }
}

/** Labels the Services that must not be EdgeMesh's. Gives what removes the labels. */
async function keepAway(cluster: Cluster, options: AbortOptions): Promise<() => Promise<void>> {
  const { kube } = cluster
  const type = await kube.typeOf({ apiVersion: 'v1', kind: 'Service' }, options)
  // why: without kube-proxy nobody else would serve it
  const hasKubeProxy = cluster.kubeProxyConnections !== undefined
  const notForEdgeMesh = [clusterDnsService, ...(hasKubeProxy ? [apiService] : [])]
  const label = async (value: string | null, each: AbortOptions): Promise<void> => {
    for (const key of notForEdgeMesh) {
      if ((await kube.get(type, key, each)) === undefined) continue
      const patch = { metadata: { labels: { [filterLabel]: value } } }
      await kube.patch(type, key, patch, { type: 'merge', ...each })
    }
  }
  await label('', options)
  return () => label(null, { signal: AbortSignal.timeout(30_000) })
}

function deployed(
  cluster: Cluster,
  applied: AsyncDisposable,
  unlabel: () => Promise<void>,
): DeployedTarget {
  return {
    ready: (options) => namesAreAnswered(cluster, options),
    restart: (node, how, options) => signalPrograms(cluster, node, agentName, how, options),
    usage: (node, options) => usageOf(cluster, node, [agentName], options),
    pods,
    pids: (node, options) => pidsOn(cluster, node, agentName, options),
    documented: { ports: documentedPorts, tellsBy: { help: ['--help'], version: ['--version'] } },
    tells: {},
    log: (node, sinceSeconds, options) => logOn(cluster, pods, { node, sinceSeconds }, options),
    [Symbol.asyncDispose]: async () => {
      await applied[Symbol.asyncDispose]()
      await unlabel()
    },
  }
}

function onNode(
  cluster: Cluster,
  node: string,
  script: string,
  options: AbortOptions,
): Promise<string> {
  return runShell(cluster, { node, network: 'host' }, script, options)
}

/**
 * EdgeMesh says nowhere that it is ready: it is when its DNS server listens on every edge node.
 * @throws TargetError 'not-ready' with the pods' states, their last words and the cause where it is known
 */
async function namesAreAnswered(cluster: Cluster, { signal }: AbortOptions): Promise<void> {
  const deadline = performance.now() + readyMs
  for (const { name: node } of cluster.nodes.filter(({ role }) => role === 'edge'))
    for (;;) {
      const sockets = await onNode(cluster, node, 'ss -Hlnu', { signal })
      if (sockets.includes(`${dnsAddress}:53`)) break
      if (performance.now() > deadline) throw await notReady(cluster, node, { signal })
      await delay(200, undefined, { signal })
    }
}

async function notReady(
  cluster: Cluster,
  node: string,
  options: AbortOptions,
): Promise<TargetError> {
  const { kube } = cluster
  const pods = await kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, options)
  const { items } = await kube.list(pods, { namespace, ...options })
  const words = await Promise.all(items.map((pod) => lastWords(cluster, pod, options)))
  const said = words.join('\n')
  const { because, cure } = whyNot(said) ?? {}
  return new TargetError(
    'not-ready',
    `EdgeMesh on ${node} answers no names at ${dnsAddress} after ${readyMs / 1_000} s` +
      `${because === undefined ? '' : `, probably because ${because}`}:\n${said === '' ? 'it has no pods' : said}`,
    cure === undefined ? {} : { hint: cure },
  )
}

async function lastWords(
  { kube }: Cluster,
  { metadata, status }: KubeObject,
  options: AbortOptions,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}/log`
  const log = async (query: string): Promise<string> => {
    try {
      return (await kube.request('GET', `${path}?${query}`, options)).body
    } catch {
      return ''
    }
  }
  const { containerStatuses = [], phase } = (status ?? {}) as {
    readonly phase?: string
    readonly containerStatuses?: readonly { readonly state?: unknown }[]
  }
  const now = await log('tailLines=8')
  const before = await log('tailLines=8&previous=true')
  const state = JSON.stringify(containerStatuses.map((container) => container.state))
  return [`${metadata.name}: ${phase ?? ''} ${state}`, before, now].join('\n').trim()
}
