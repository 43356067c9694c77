import { readFileSync } from 'node:fs'
import { join } from 'node:path'

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
}

export function readConfig(path: string): KubeletConfig {
  return JSON.parse(readFileSync(path, 'utf8')) as KubeletConfig
}

/** Everything of one pod on this node. */
export function podFolder(config: KubeletConfig, uid: string): string {
  return join(config.runDir, 'nodes', config.nodeName, 'pods', uid)
}
