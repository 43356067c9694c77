import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import type { Position } from '../../model/cluster.ts'
import { ClusterError, KubeError } from '../../model/errors.ts'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import { namespaces, pods } from '../kube/types.ts'

/** How long such a pod may take to run. */
const runsMs = 60_000

export interface ProbePodsInit {
  readonly kube: KubeClient
  readonly image: string
  /** Made when it is not there. */
  readonly namespace: string
  /** `Never` where the image was given to the nodes, so that a mistake does not look like a slow registry. */
  readonly pullPolicy: 'Never' | 'IfNotPresent'
  /** What pods on the pod network have in their resolv.conf, where it is not what kubelets write. */
  readonly dns?: { readonly server: string; readonly clusterDomain: string }
}

/** The container that stands at a position. */
export interface Standing {
  readonly pod: string
  /** Without the runtime's scheme. */
  readonly containerId: string
}

/** Name of the one container of such a pod. */
export const probeContainer = 'probe'

/** The pod at a position, running: two per node, one of them on the host network. */
export async function probePodAt(
  init: ProbePodsInit,
  at: Position,
  options: AbortOptions,
): Promise<Standing> {
  const { kube, namespace } = init
  const metadata = { name: namespace }
  await once(() =>
    kube.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata }, options),
  )
  const pod = probePod(init, at)
  await removeOlder(kube, pod, options)
  await once(() => kube.create(pods, pod, options))
  return { pod: pod.metadata.name, containerId: await containerId(kube, pod, options) }
}

/** The pod that stands at a position. */
export function probePod(
  { image, namespace, pullPolicy, dns }: ProbePodsInit,
  { node, network }: Position,
): KubeObject {
  const isHost = network === 'host'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${network}-${node}`, namespace, labels: { app: 'meshmark-probe' } },
    spec: {
      nodeName: node,
      hostNetwork: isHost,
      hostPID: isHost,
      ...(isHost ? { dnsPolicy: 'Default' } : dnsOf(namespace, dns)),
      tolerations: [{ operator: 'Exists' }],
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      containers: [
        {
          name: probeContainer,
          image,
          imagePullPolicy: pullPolicy,
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

function dnsOf(namespace: string, dns: ProbePodsInit['dns']): object {
  if (dns === undefined) return { dnsPolicy: 'ClusterFirst' }
  const { server, clusterDomain } = dns
  const searches = [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
  return {
    dnsPolicy: 'None',
    dnsConfig: { nameservers: [server], searches, options: [{ name: 'ndots', value: '5' }] },
  }
}

/** A kept cluster may have the pod of an earlier meshmark. */
async function removeOlder(
  kube: KubeClient,
  pod: KubeObject,
  options: AbortOptions,
): Promise<void> {
  const key = keyOf(pod)
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

function keyOf({ metadata }: KubeObject): { readonly name: string; readonly namespace: string } {
  return { name: metadata.name, namespace: metadata.namespace ?? 'default' }
}

function isAlike(found: KubeObject, wanted: KubeObject): boolean {
  const imageOf = ({ spec }: KubeObject): string | undefined =>
    (spec as { readonly containers?: readonly { readonly image: string }[] } | undefined)
      ?.containers?.[0]?.image
  return imageOf(found) === imageOf(wanted) && found.metadata.deletionTimestamp === undefined
}

async function containerId(
  kube: KubeClient,
  wanted: KubeObject,
  options: AbortOptions,
): Promise<string> {
  const deadline = performance.now() + runsMs
  for (;;) {
    const pod = await kube.get(pods, keyOf(wanted), options)
    const { containerStatuses = [] } = (pod?.['status'] ?? {}) as {
      readonly containerStatuses?: readonly { containerID?: string; state?: { running?: object } }[]
    }
    const [status] = containerStatuses
    if (status?.state?.running !== undefined && status.containerID !== undefined)
      return status.containerID.replace(/^.*:\/\//, '')
    if (performance.now() > deadline)
      throw new ClusterError(
        'not-ready',
        `the probe's pod ${wanted.metadata.name} does not run after ${runsMs / 1_000} s: ${JSON.stringify(pod?.['status'])}`,
        { hint: 'is its image in the node? where nodes pull: meshmark images, then push them' },
      )
    await delay(100, undefined, options)
  }
}

/** Creates what may be there already. */
async function once(create: () => Promise<unknown>): Promise<void> {
  try {
    await create()
  } catch (error) {
    if (!(error instanceof KubeError) || error.reason !== 'AlreadyExists') throw error
  }
}
