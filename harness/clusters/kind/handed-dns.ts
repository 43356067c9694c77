import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import type { ClusterNode } from '../../model/cluster.ts'
import { ClusterError, KubeError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { output } from './cli.ts'
import { argvIn } from './leftovers.ts'
import { noteFault } from './state.ts'

export interface HandedDnsInit {
  /** Name of the cluster. */
  readonly name: string
  readonly kube: KubeClient
  readonly nodes: readonly ClusterNode[]
  /** Docker container of each node. */
  readonly containers: ReadonlyMap<string, string>
  /** IPv4 address of the name server that kubelets write into pods' resolv.conf. */
  readonly had: string
  readonly wanted: string
}

/** Another name server for the time of a run. */
export interface HandedDns {
  apply(options: AbortOptions): Promise<void>
  /** Gives the nodes what they had, also when only some of them were changed. */
  undo(options: AbortOptions): Promise<void>
}

/** How long a kubelet may take to run again. */
const runsAgainMs = 60_000

/**
 * Makes the kubelets of a kept cluster name another server in the resolv.conf of pods (clusterDNS), for the time of a
 * run: each target answers names elsewhere, and one cluster is to serve all of them. Kubelets are started anew, pods go
 * on; those at the positions are made again. It is noted as a fault is, so that it can be undone when the harness is
 * killed.
 * @throws ClusterError 'not-ready' when a kubelet does not run with it in time
 */
export function handOutDns(init: HandedDnsInit): HandedDns {
  const { name, nodes, containers, had, wanted } = init
  const change = (from: string, to: string): readonly string[] => [
    ...['sh', '-c', changeScript, 'sh'],
    ...[from, to],
  ]
  const master = nodes.find(({ role }) => role === 'master')?.name ?? ''
  const undoAt = (node: string): readonly (readonly string[])[] => [
    change(wanted, had),
    ...(node === master ? [withoutProbes] : []),
  ]
  // why: the master last, where pods are removed that no kubelet of before is to make again
  const all = [...containers].toSorted(([a], [b]) => Number(a === master) - Number(b === master))
  const notes: (() => Promise<void>)[] = []
  const tell = async (from: string, to: string, each: AbortOptions): Promise<void> => {
    for (const [, container] of all) await output(argvIn(container, change(from, to)), each)
    await areTold(init, to, each)
    await output(argvIn(containers.get(master) ?? '', withoutProbes), each)
  }
  return {
    apply: async (each) => {
      for (const [node, container] of all)
        notes.push(await noteFault(name, container, undoAt(node)))
      await tell(had, wanted, each)
    },
    undo: async (each) => {
      await tell(wanted, had, each)
      for (const forget of notes) await forget()
    },
  }
}

/** Where kubeadm writes it. The node's supervisor starts a kubelet again that ended. */
const changeScript = `set -e
conf=/var/lib/kubelet/config.yaml
grep -qxF -- "- $1" $conf || exit 0
sed -i "s/^- $1\\$/- $2/" $conf
kill -KILL $(grep -lx kubelet /proc/[0-9]*/comm | cut -d/ -f3)`

/** Their resolv.conf is what the kubelet wrote when they were made. */
const withoutProbes: readonly string[] = [
  ...['kubectl', '--kubeconfig=/etc/kubernetes/admin.conf', '--namespace=meshmark-probes'],
  ...['delete', 'pods', '--all', '--grace-period=1', '--timeout=60s'],
]

/** Waits until every kubelet says itself that it hands out this address. */
async function areTold(
  { kube, nodes }: HandedDnsInit,
  wanted: string,
  { signal }: AbortOptions,
): Promise<void> {
  const deadline = performance.now() + runsAgainMs
  for (const { name } of nodes)
    for (;;) {
      const told = await toldBy(kube, name, { signal })
      if (told === wanted) break
      if (performance.now() > deadline)
        throw new ClusterError(
          'not-ready',
          `the kubelet of ${name} hands out ${told ?? 'nothing: it does not answer'} after ${runsAgainMs / 1_000} s, want ${wanted}`,
          { hint: 'remove this cluster: meshmark down' },
        )
      await delay(200, undefined, { signal })
    }
}

/** Undefined while it does not answer. */
async function toldBy(
  kube: KubeClient,
  node: string,
  options: AbortOptions,
): Promise<string | undefined> {
  try {
    const { body } = await kube.request('GET', `/api/v1/nodes/${node}/proxy/configz`, options)
    const { kubeletconfig } = JSON.parse(body) as {
      readonly kubeletconfig?: { readonly clusterDNS?: readonly string[] }
    }
    return kubeletconfig?.clusterDNS?.[0]
  } catch (error) {
    if (error instanceof KubeError) return undefined
    throw error
  }
}
