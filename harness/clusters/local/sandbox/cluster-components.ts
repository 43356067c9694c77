import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatAddress, parseCidr, type PlacedNode } from '../topology.ts'
import type { ComponentInit } from './components.ts'
import { insideDirectory, type SandboxConfig } from './config.ts'

/** Port of the Kubernetes API on the master. */
export const apiPort = 6443

/** What runs on which node: the control plane on the master, a kubelet everywhere. Writes their configurations. */
export function componentsOf(
  config: SandboxConfig,
  nodes: readonly PlacedNode[],
  holders: ReadonlyMap<string, number>,
): readonly Omit<ComponentInit, 'onExit'>[] {
  const master = nodes.find(({ role }) => role === 'master')
  if (master === undefined) throw new Error('the topology has no master')
  const program = (...path: string[]): string =>
    join(config.packageDirectory, 'dist', 'harness', 'clusters', 'local', ...path)
  return [
    {
      name: 'control-plane',
      holder: holders.get(master.name) ?? 0,
      argv: [
        process.execPath,
        program('control-plane.js'),
        configFile('control-plane', controlPlane(config, master)),
      ],
    },
    ...nodes.map((node) => ({
      name: `kubelet-${node.name}`,
      holder: holders.get(node.name) ?? 0,
      argv: [
        process.execPath,
        program('kubelet', 'main.js'),
        configFile(`kubelet-${node.name}`, kubelet(config, node, master)),
      ],
    })),
  ]
}

function controlPlane({ topology }: SandboxConfig, master: PlacedNode): object {
  return {
    listen: { host: '0.0.0.0', port: apiPort },
    socket: join(insideDirectory, 'api.sock'),
    adminSocket: join(insideDirectory, 'admin.sock'),
    pkiDir: join(insideDirectory, 'pki'),
    tokensFile: join(insideDirectory, 'tokens.json'),
    serviceCidr: topology.serviceCidr,
    podCidr: topology.podCidr,
    clusterDomain: topology.clusterDomain,
    nodePortRange: [30_000, 32_767],
    masterAddress: master.address,
  }
}

function kubelet(config: SandboxConfig, node: PlacedNode, master: PlacedNode): object {
  const { topology } = config
  const [serviceNet = 0] = parseCidr(topology.serviceCidr) ?? []
  return {
    nodeName: node.name,
    nodeAddress: node.address,
    podCidr: node.podCidr,
    role: node.role,
    labels: node.labels ?? {},
    taints: node.taints ?? [],
    runDir: insideDirectory,
    server: `https://${master.address}:${apiPort}`,
    caFile: join(insideDirectory, 'pki', 'ca.crt'),
    token: config.nodeTokens[node.name],
    clusterDns: topology.clusterDns,
    clusterDomain: topology.clusterDomain,
    serviceHost: formatAddress(serviceNet + 1),
    packageDir: config.packageDirectory,
    port: 10_250,
  }
}

/** Kubelet configurations hold a token: readable by their owner alone. */
function configFile(name: string, content: object): string {
  const path = join(insideDirectory, `${name}.json`)
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 })
  return path
}
