import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import type { DeployedTarget, ResourceUsage, Target } from '../../model/target.ts'
import { shellLines } from './shell.ts'

const namespace = 'kube-system'

/** How long the parts of a fresh cluster may take to be ready. */
const readyMs = 120_000

const parts = {
  'kube-proxy': { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  coredns: { apiVersion: 'apps/v1', kind: 'Deployment' },
} as const

/**
 * What Kubernetes itself brings: kube-proxy and CoreDNS as they stand in the cluster. Nothing is installed and nothing
 * removed; it is refused where one of them is missing.
 */
export function kubeProxyCoreDns(): Target {
  return {
    id: 'kube-proxy-coredns',
    identity: {
      organization: 'kubernetes',
      project: 'kube-proxy + CoreDNS',
      url: 'https://kubernetes.io/docs/reference/networking/virtual-ips',
      version: "the cluster's own",
      contact: [],
    },
    features: new Set(),
    topology: {},
    deploy: async (cluster, options) => {
      await verify(cluster, options)
      return deployed(cluster)
    },
  }
}

function deployed(cluster: Cluster): DeployedTarget {
  return {
    ready: (options) => everyPartReady(cluster.kube, options),
    restart: (node) => {
      throw new TargetError('unsupported', `kube-proxy on ${node} cannot be restarted yet`, {
        hint: 'choose checks that restart nothing, or another target',
      })
    },
    usage: (node, options) => usageOn(cluster, node, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** @throws TargetError 'deploy-failed' naming what is missing */
async function verify({ kube, provider }: Cluster, options: AbortOptions): Promise<void> {
  for (const name of Object.keys(parts) as readonly (keyof typeof parts)[]) {
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
  for (const name of Object.keys(parts) as readonly (keyof typeof parts)[])
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
  name: keyof typeof parts,
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

/** Microseconds of a clock tick: USER_HZ is 100 on every Linux that user space sees (proc(5)). */
const tickUs = 10_000

/** Bytes of a page that /proc/<pid>/statm counts in, on x86-64 and arm64 with small pages. */
const pageBytes = 4_096

/** Of kube-proxy on this node; CoreDNS counts on the nodes where it runs. */
async function usageOn(
  cluster: Cluster,
  node: string,
  options: AbortOptions,
): Promise<ResourceUsage> {
  const script = [
    'for p in $(pgrep -x kube-proxy; pgrep -x coredns); do',
    // why: fields 14 and 15 count from behind the name, which may hold spaces
    `t=$(sed 's/.*) //' /proc/$p/stat | cut -d" " -f12,13); m=$(cut -d" " -f2 /proc/$p/statm);`,
    'echo $t $m $(ls /proc/$p/fd | wc -l); done',
  ].join(' ')
  const lines = await shellLines(cluster, node, script, options)
  const sum = { cpuUs: 0, rssBytes: 0, openFiles: 0 }
  for (const line of lines) {
    const [user = 0, system = 0, pages = 0, files = 0] = line.split(' ').map(Number)
    sum.cpuUs += (user + system) * tickUs
    sum.rssBytes += pages * pageBytes
    sum.openFiles += files
  }
  return sum
}
