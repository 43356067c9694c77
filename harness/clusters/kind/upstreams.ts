import type { AbortOptions } from '../../model/abort.ts'
import type { ClusterNode } from '../../model/cluster.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { output } from './cli.ts'
import type { KubeProxyMode } from './config.ts'
import { argvIn } from './leftovers.ts'
import { noteFault } from './state.ts'

export interface UpstreamsInit {
  /** Name of the cluster. */
  readonly name: string
  readonly kube: KubeClient
  readonly nodes: readonly ClusterNode[]
  /** Docker container of each node. */
  readonly containers: ReadonlyMap<string, string>
  readonly kubeProxyMode: KubeProxyMode
  /** IPv4 addresses of the name servers, first choice first. */
  readonly addresses: readonly string[]
}

/** Name servers of ours in the nodes' resolv.conf. */
export interface Upstreams {
  /** Everywhere, and CoreDNS asks them, too. */
  apply(options: AbortOptions): Promise<void>
  /** Again in nodes that were stopped: Docker writes these files when it starts a container. */
  write(containers: readonly string[], options: AbortOptions): Promise<void>
  /** Gives the nodes what they had, also when only some of them were changed. */
  undo(options: AbortOptions): Promise<void>
}

/**
 * Makes the nodes, and pods that get a node's resolv.conf (dnsPolicy Default), ask these name servers for names outside
 * of the cluster, and no longer Docker's, which is a way out of it. It is noted as a fault is, so that it can be undone
 * when the harness is killed.
 * @throws ClusterError when a node does not say which file its kubelet reads, or CoreDNS does not start again
 */
export async function nameUpstreams(
  init: UpstreamsInit,
  options: AbortOptions,
): Promise<Upstreams> {
  const { name, nodes, containers, addresses } = init
  const master = nodes.find(({ role }) => role === 'master')
  const masterContainer = containers.get(master?.name ?? '') ?? ''
  const files = await resolvConfs(init, options)
  const write = ['sh', '-c', writeScript, 'sh']
  const written = [resolvConf(addresses), `${master?.address ?? ''} ${masterContainer}`]
  const undo: readonly string[] = ['sh', '-c', undoScript, 'sh', hosts, ...files]
  const fresh = freshCoreDns(init.kubeProxyMode)
  const undoIn = (container: string): readonly (readonly string[])[] =>
    container === masterContainer ? [undo, ...fresh] : [undo]
  // why: the master last, where CoreDNS is started with what the nodes have by then
  const all = [
    ...[...containers.values()].filter((container) => container !== masterContainer),
    masterContainer,
  ]
  const notes: (() => Promise<void>)[] = []
  const writeIn = async (some: readonly string[], each: AbortOptions): Promise<void> => {
    for (const container of some)
      await output(argvIn(container, [...write, ...written, ...files]), each)
  }
  return {
    apply: async (each) => {
      for (const container of all) notes.push(await noteFault(name, container, undoIn(container)))
      await writeIn(all, each)
      for (const argv of fresh) await output(argvIn(masterContainer, argv), each)
    },
    write: writeIn,
    undo: async (each) => {
      for (const [index, container] of all.entries()) {
        for (const argv of undoIn(container)) await output(argvIn(container, argv), each)
        await notes[index]?.()
      }
    },
  }
}

const hosts = '/etc/hosts'

/**
 * Kubelets of kind reach the API by the name of the master's container, which only Docker's name server knows, so that
 * name goes into /etc/hosts. Files are written in place: they are mounts.
 */
const writeScript = `set -e
conf=$1; host=$2; shift 2
for file in ${hosts} "$@"; do test -e "$file.meshmark" || cp "$file" "$file.meshmark"; done
grep -qxF "$host" ${hosts} || echo "$host" >> ${hosts}
for file; do printf %s "$conf" > "$file"; done`

const undoScript = `set -e
for file; do
  if test -e "$file.meshmark"; then cat "$file.meshmark" > "$file"; rm "$file.meshmark"; fi
done`

/** As provider local writes it: the limits are for targets that stop answering. */
function resolvConf(addresses: readonly string[]): string {
  return `${addresses.map((address) => `nameserver ${address}\n`).join('')}options timeout:2 attempts:2\n`
}

/** The node's own, and the one that its kubelet hands out (KubeletConfiguration's resolvConf). */
async function resolvConfs(
  { kube, nodes }: UpstreamsInit,
  options: AbortOptions,
): Promise<readonly string[]> {
  const own = '/etc/resolv.conf'
  const found = await Promise.all(
    nodes.map(async ({ name }) => {
      const { body } = await kube.request('GET', `/api/v1/nodes/${name}/proxy/configz`, options)
      const { kubeletconfig } = JSON.parse(body) as {
        readonly kubeletconfig?: { readonly resolvConf?: string }
      }
      return kubeletconfig?.resolvConf ?? own
    }),
  )
  return [...new Set([own, ...found])]
}

/** Long enough for pods on a busy machine. */
const patience = '90s'

/**
 * CoreDNS has a copy of the resolv.conf that its node had when its pods were made. Where nothing serves ClusterIPs yet
 * it cannot become ready, and nobody asks it.
 */
function freshCoreDns(kubeProxyMode: KubeProxyMode): readonly (readonly string[])[] {
  const kubectl = [
    ...['kubectl', '--kubeconfig=/etc/kubernetes/admin.conf', '--namespace=kube-system'],
    `--request-timeout=${patience}`,
  ]
  const pods = ['pods', '--selector=k8s-app=kube-dns', `--timeout=${patience}`]
  return [
    [...kubectl, 'delete', ...pods, '--grace-period=1'],
    ...(kubeProxyMode === 'none' ? [] : [[...kubectl, 'wait', ...pods, '--for=condition=Ready']]),
  ]
}
