import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import type { Position } from '../../model/cluster.ts'
import { ClusterError, KubeError } from '../../model/errors.ts'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import { namespaces, pods } from '../kube/types.ts'
import { output } from './cli.ts'

const namespace = 'meshmark-probes'

/** How long such a pod may take to run. */
const runsMs = 60_000

/** The pods at the positions: two per node, one of them on the host network; made on first use and kept. */
export interface Positions {
  /** Process id, on the node, of the container that stands there. */
  pidAt(at: Position, options: AbortOptions): Promise<number>
  /** The processes of this node are gone: it was stopped. */
  forget(node: string): void
}

export interface PositionsInit {
  readonly kube: KubeClient
  readonly image: string
  /** Docker container of each node. */
  readonly containers: ReadonlyMap<string, string>
}

export function positions(init: PositionsInit): Positions {
  const known = new Map<string, Promise<number>>()
  return {
    pidAt: async (at, options) => {
      const key = `${at.network}-${at.node}`
      const others = known.get(key)
      if (others !== undefined) return others
      const made = make(init, at, options)
      known.set(key, made)
      // why: who waits next tries again
      made.catch(() => known.delete(key))
      return made
    },
    forget: (node) => {
      for (const network of ['host', 'container']) known.delete(`${network}-${node}`)
    },
  }
}

async function make(
  { kube, image, containers }: PositionsInit,
  at: Position,
  options: AbortOptions,
): Promise<number> {
  const metadata = { name: namespace }
  await once(() =>
    kube.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata }, options),
  )
  const pod = probePod(at, image)
  await removeOlder(kube, pod, options)
  await once(() => kube.create(pods, pod, options))
  const id = await containerId(kube, pod.metadata.name, options)
  const find = `grep -ls ${id} /proc/[0-9]*/cgroup | head -1`
  const node = containers.get(at.node) ?? ''
  const found = await output(['docker', 'exec', node, 'sh', '-c', find], options)
  const [, pid] = /^\/proc\/(\d+)\//.exec(found) ?? []
  if (pid === undefined)
    throw new ClusterError('not-ready', `no process of container ${id} on ${at.node}`)
  return Number(pid)
}

/** A kept cluster may have the pod of an earlier meshmark. */
async function removeOlder(
  kube: KubeClient,
  pod: KubeObject,
  options: AbortOptions,
): Promise<void> {
  const key = { name: pod.metadata.name, namespace }
  const deadline = performance.now() + runsMs
  for (let asked = false; ;) {
    const found = await kube.get(pods, key, options)
    if (found === undefined || (!asked && isAlike(found, pod))) return
    if (!asked) await kube.delete(pods, key, options)
    asked = true
    if (performance.now() > deadline)
      throw new ClusterError('not-ready', `the older pod ${pod.metadata.name} does not go`)
    await delay(100, undefined, options)
  }
}

function isAlike(found: KubeObject, wanted: KubeObject): boolean {
  const imageOf = ({ spec }: KubeObject): string | undefined =>
    (spec as { readonly containers?: readonly { readonly image: string }[] } | undefined)
      ?.containers?.[0]?.image
  return imageOf(found) === imageOf(wanted) && found.metadata.deletionTimestamp === undefined
}

function probePod({ node, network }: Position, image: string): KubeObject {
  const isHost = network === 'host'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${network}-${node}`, namespace, labels: { app: 'meshmark-probe' } },
    spec: {
      nodeName: node,
      hostNetwork: isHost,
      hostPID: isHost,
      dnsPolicy: isHost ? 'Default' : 'ClusterFirst',
      tolerations: [{ operator: 'Exists' }],
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      containers: [
        {
          name: 'probe',
          image,
          imagePullPolicy: 'Never',
          securityContext: { privileged: isHost },
          ...(isHost && { volumeMounts: [{ name: 'resolv-conf', mountPath: '/etc/resolv.conf' }] }),
        },
      ],
      // why: what the node itself asks, at this moment; the kubelet would give a copy of what it once was
      ...(isHost && {
        volumes: [{ name: 'resolv-conf', hostPath: { path: '/etc/resolv.conf', type: 'File' } }],
      }),
    },
  }
}

async function containerId(kube: KubeClient, name: string, options: AbortOptions): Promise<string> {
  const deadline = performance.now() + runsMs
  for (;;) {
    const pod = await kube.get(pods, { name, namespace }, options)
    const { containerStatuses = [] } = (pod?.['status'] ?? {}) as {
      readonly containerStatuses?: readonly { containerID?: string; state?: { running?: object } }[]
    }
    const [status] = containerStatuses
    if (status?.state?.running !== undefined && status.containerID !== undefined)
      return status.containerID.replace(/^.*:\/\//, '')
    if (performance.now() > deadline)
      throw new ClusterError(
        'not-ready',
        `the probe's pod ${name} does not run after ${runsMs / 1_000} s: ${JSON.stringify(pod?.['status'])}`,
      )
    await delay(100, undefined, options)
  }
}

async function once(create: () => Promise<unknown>): Promise<void> {
  try {
    await create()
  } catch (error) {
    if (!(error instanceof KubeError) || error.reason !== 'AlreadyExists') throw error
  }
}
