import { arch, cpus, release, totalmem } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import type { AbortOptions } from '../../../model/abort.ts'
import { KubeError } from '../../../model/errors.ts'
import type { KubeClient, KubeObject } from '../../../model/kubernetes.ts'
import { leases, nodes } from '../../kube/types.ts'
import type { KubeletConfig } from './config.ts'

/** Version of the API that provider local speaks. */
export const kubernetesVersion = 'v1.34.0'

/** As the real kubelet's: renewed every 10 s, stale after 40. */
const renewMs = 10_000
const leaseSeconds = 40

/** How long a kubelet keeps trying to register: the API server starts beside it. */
const retryMs = 25

/** Registers the node, trying until the API is there. */
export async function registerNode(
  kube: KubeClient,
  config: KubeletConfig,
  { signal }: AbortOptions,
): Promise<void> {
  for (;;) {
    try {
      await upsert(kube, config, { signal })
      return
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof KubeError) || (error.status !== 0 && error.status < 500)) throw error
      await delay(retryMs, undefined, { signal })
    }
  }
}

async function upsert(
  kube: KubeClient,
  config: KubeletConfig,
  options: AbortOptions,
): Promise<void> {
  const object = nodeObject(config)
  try {
    await kube.create(nodes, object, options)
  } catch (error) {
    if (!(error instanceof KubeError) || error.reason !== 'AlreadyExists') throw error
  }
  await reportStatus(kube, config, options)
}

/** Renews the lease and the status until the signal is aborted; trouble is got over. */
export async function heartbeat(
  kube: KubeClient,
  config: KubeletConfig,
  { signal }: AbortOptions,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await renewLease(kube, config, { signal })
      if ((await kube.get(nodes, { name: config.nodeName }, { signal })) === undefined)
        await upsert(kube, config, { signal })
      else await reportStatus(kube, config, { signal })
    } catch {
      // why: the API may be away; the node controller notices that by the lease, and we try again
    }
    await delay(renewMs, undefined, { signal }).catch(() => undefined)
  }
}

async function renewLease(
  kube: KubeClient,
  config: KubeletConfig,
  options: AbortOptions,
): Promise<void> {
  const namespace = 'kube-node-lease'
  const renewTime = `${new Date().toISOString().slice(0, -1)}000Z`
  const spec = { holderIdentity: config.nodeName, leaseDurationSeconds: leaseSeconds, renewTime }
  const key = { namespace, name: config.nodeName }
  try {
    await kube.patch(leases, key, { spec }, { ...options, type: 'merge' })
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error
    const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec }
    await kube.create(leases, object, options)
  }
}

async function reportStatus(
  kube: KubeClient,
  config: KubeletConfig,
  options: AbortOptions,
): Promise<void> {
  await kube.patch(
    nodes,
    { name: config.nodeName },
    { status: nodeStatus(config) },
    {
      ...options,
      type: 'strategic',
      subresource: 'status',
    },
  )
}

function nodeObject(config: KubeletConfig): KubeObject {
  const roleLabels =
    config.role === 'worker' ? {} : { [`node-role.kubernetes.io/${config.role}`]: '' }
  const masterLabels =
    config.role === 'master' ? { 'node-role.kubernetes.io/control-plane': '' } : {}
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: config.nodeName,
      labels: {
        'kubernetes.io/hostname': config.nodeName,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': architecture(),
        ...roleLabels,
        ...masterLabels,
        ...config.labels,
      },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: {
      podCIDR: config.podCidr,
      podCIDRs: [config.podCidr],
      ...(config.taints.length > 0 && { taints: config.taints }),
    },
    status: nodeStatus(config),
  }
}

function nodeStatus(config: KubeletConfig): object {
  const now = new Date().toISOString().replace(/\.\d+Z/, 'Z')
  const condition = (type: string, status: string, reason: string, message: string): object => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: startedAt,
  })
  const resources = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: '110',
    'ephemeral-storage': '10Gi',
  }
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: config.nodeAddress },
      { type: 'Hostname', address: config.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: config.port } },
    conditions: [
      condition(
        'MemoryPressure',
        'False',
        'KubeletHasSufficientMemory',
        'kubelet has sufficient memory available',
      ),
      condition(
        'DiskPressure',
        'False',
        'KubeletHasNoDiskPressure',
        'kubelet has no disk pressure',
      ),
      condition(
        'PIDPressure',
        'False',
        'KubeletHasSufficientPID',
        'kubelet has sufficient PID available',
      ),
      condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ],
    nodeInfo: {
      machineID: bootId,
      systemUUID: bootId,
      bootID: bootId,
      kernelVersion: release(),
      osImage: 'meshmark local node',
      containerRuntimeVersion: 'meshmark://local',
      kubeletVersion: `${kubernetesVersion}-meshmark`,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: architecture(),
    },
  }
}

const bootId = randomUUID()
const startedAt = new Date().toISOString().replace(/\.\d+Z/, 'Z')

function architecture(): string {
  return arch() === 'x64' ? 'amd64' : arch()
}
