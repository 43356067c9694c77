import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryOf } from '../kubelet/container/images.ts'
import { formatAddress, parseCidr, type PlacedNode } from '../topology.ts'
import type { ComponentInit } from './components.ts'
import { insideDirectory, type SandboxConfig } from './config.ts'

/** Port of the Kubernetes API on the master. */
export const apiPort = 6443

/** A component as data; `holder` is the process whose namespaces it enters. */
export type Component = Omit<ComponentInit, 'onExit'>

/** The control plane, on the master. Writes its configuration. */
export function controlPlane(config: SandboxConfig, master: PlacedNode, holder: number): Component {
  const name = 'control-plane'
  const file = configFile(name, controlPlaneConfig(config, master))
  return {
    name,
    holder,
    argv: [process.execPath, programFile(config, 'control-plane.js'), file],
  }
}

/** The kubelet of a node. Writes its configuration. */
export function kubelet(
  config: SandboxConfig,
  node: PlacedNode,
  master: PlacedNode,
  holder: number,
): Component {
  const name = `kubelet-${node.name}`
  const file = configFile(name, kubeletConfig(config, node, master))
  return {
    name,
    holder,
    argv: [process.execPath, programFile(config, join('kubelet', 'main.js')), file],
  }
}

function programFile({ packageDirectory }: SandboxConfig, path: string): string {
  return join(packageDirectory, 'dist', 'harness', 'clusters', 'local', path)
}

function controlPlaneConfig(
  { topology, controlPlanePrograms: programs }: SandboxConfig,
  master: PlacedNode,
): object {
  return {
    ...(programs !== undefined && { programs }),
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

function kubeletConfig(config: SandboxConfig, node: PlacedNode, master: PlacedNode): object {
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
    ...(topology.longestRestartPauseMs !== undefined && {
      longestRestartPauseMs: topology.longestRestartPauseMs,
    }),
    images: Object.fromEntries(
      Object.entries(config.programs ?? {}).map(([name, entrypoint]) => [
        repositoryOf(name),
        { entrypoint },
      ]),
    ),
  }
}

/** Kubelet configurations hold a token: readable by their owner alone. */
function configFile(name: string, content: object): string {
  const path = join(insideDirectory, `${name}.json`)
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 })
  return path
}
