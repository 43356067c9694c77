import { randomUUID } from 'node:crypto'
import { arch, cpus, release, totalmem } from 'node:os'
import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { KubeletConfig } from '../config.ts'
import { time } from '../time.ts'

/** Version of the API that provider local speaks. */
export const kubernetesVersion = 'v1.34.0'

/** Pods per node, as the real kubelet's default. */
const maxPods = 110

const bootId = randomUUID()

/** What a node says of itself when it registers. */
export function nodeObject(config: KubeletConfig): KubeObject {
  const { role, nodeName, podCidr, labels, taints } = config
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeName,
      labels: {
        'kubernetes.io/hostname': nodeName,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': architecture(),
        ...(role !== 'worker' && { [`node-role.kubernetes.io/${role}`]: '' }),
        ...(role === 'master' && { 'node-role.kubernetes.io/control-plane': '' }),
        ...labels,
      },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: {
      podCIDR: podCidr,
      podCIDRs: [podCidr],
      ...(taints.length > 0 && { taints }),
    },
    status: nodeStatus(config, undefined),
  }
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly lastTransitionTime?: string
}

/** A node's status; conditions that hold as before keep the time of their last change. */
export function nodeStatus(config: KubeletConfig, known: KubeObject | undefined): object {
  const capacity = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: String(maxPods),
    'ephemeral-storage': '10Gi',
  }
  return {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: 'InternalIP', address: config.nodeAddress },
      { type: 'Hostname', address: config.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: config.port } },
    conditions: conditions(conditionsOf(known)),
    nodeInfo: {
      machineID: bootId.replaceAll('-', ''),
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

const good: readonly (readonly [string, string, string, string])[] = [
  [
    'MemoryPressure',
    'False',
    'KubeletHasSufficientMemory',
    'kubelet has sufficient memory available',
  ],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
]

function conditions(known: readonly Condition[]): readonly object[] {
  const now = time(new Date())
  return good.map(([type, status, reason, message]) => {
    const before = known.find((one) => one.type === type && one.status === status)
    const lastTransitionTime = before?.lastTransitionTime ?? now
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime }
  })
}

function conditionsOf(node: KubeObject | undefined): readonly Condition[] {
  const { conditions: found = [] } = (node?.['status'] ?? {}) as {
    readonly conditions?: readonly Condition[]
  }
  return found
}

/** Go's name of the processor. */
function architecture(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
  return names[arch()] ?? arch()
}
