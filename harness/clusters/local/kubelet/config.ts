import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ImageOverrides } from './container/images.ts'

/** What the sandbox tells a kubelet; written by it, read once. */
export interface KubeletConfig {
  readonly nodeName: string
  readonly nodeAddress: string
  readonly podCidr: string
  readonly role: 'master' | 'edge' | 'worker'
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly {
    readonly key: string
    readonly value?: string
    readonly effect: string
  }[]
  /** Folder of the run, as the sandbox sees it. */
  readonly runDir: string
  readonly server: string
  readonly caFile: string
  readonly token: string
  readonly clusterDns: string
  readonly clusterDomain: string
  /** ClusterIP of the Service `kubernetes`. */
  readonly serviceHost: string
  /** Folder of the installed package. */
  readonly packageDir: string
  /** Port of the kubelet's own server, for logs and exec. */
  readonly port: number
  /** More images, by repository: programs of this machine. */
  readonly images?: ImageOverrides
  /** First pause before a container that fails again and again is restarted; 10 s as in Kubernetes when absent. */
  readonly crashBackOffMs?: number
  /** Longest such pause; 5 minutes when absent. */
  readonly longestRestartPauseMs?: number
}

export function readConfig(path: string): KubeletConfig {
  return JSON.parse(readFileSync(path, 'utf8')) as KubeletConfig
}

/** Folder of this node. */
export function nodeFolder(config: KubeletConfig): string {
  return join(config.runDir, 'nodes', config.nodeName)
}

/** A file system in memory for what overlays need; mounted by the kubelet, gone with the node. */
export function scratchFolder(config: KubeletConfig): string {
  return join(nodeFolder(config), 'scratch')
}

/** Everything of one pod on this node. */
export function podFolder(config: KubeletConfig, uid: string): string {
  return join(nodeFolder(config), 'pods', uid)
}
