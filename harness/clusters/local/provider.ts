import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import type { Capability, Cluster, ClusterProvider, CreateOptions } from '../../model/cluster.ts'
import type { Problem } from '../../model/errors.ts'
import { ClusterError } from '../../model/errors.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { kubeClient } from '../kube/client.ts'
import { kubeconfig } from '../kube/kubeconfig.ts'
import { openApiDoor } from './api-door.ts'
import { localCluster } from './cluster.ts'
import { findPrivilege, namespaceCommand, type Privilege } from './privilege.ts'
import { command } from './network/command.ts'
import { nodesReady } from './nodes-ready.ts'
import {
  diskError,
  makeRunDirectory,
  removeRunDirectory,
  removeStaleRunDirectories,
} from './run-directory.ts'
import { apiPort } from './sandbox/cluster-components.ts'
import { startSandbox } from './sandbox/client.ts'
import { checkTopology, placeNodes } from './topology.ts'

export interface LocalInit {
  /** Folder of the installed package: programs are started from its `dist`. */
  readonly packageDirectory: string
  /** Port of the API on 127.0.0.1; 0, the default, takes any free one. */
  readonly port?: number
}

/** Programs without which no namespace can be made or connected. */
const needed = ['unshare', 'nsenter', 'mount', 'ip', 'nft', 'sleep', 'hostname'] as const

/** How long nodes may take to be Ready once their kubelets run. */
const readyMs = 30_000

/** Clusters in network namespaces of this machine: no Docker, no root, about a second. */
export function local(init: LocalInit): ClusterProvider {
  return {
    id: 'local',
    preflight: () => preflight(),
    create: (topology, options) => create(init, topology, options),
  }
}

async function preflight(): Promise<readonly Problem[]> {
  const found = await Promise.all(
    needed.map((name) =>
      command(['sh', '-c', `command -v ${name}`]).then(
        () => undefined,
        () => name,
      ),
    ),
  )
  const missing = found.filter((name) => name !== undefined)
  if (missing.length > 0)
    return missing.map((subject) => ({
      subject,
      message: 'not on PATH',
      cure: 'meshmark doctor --install',
    }))
  try {
    await findPrivilege()
    return []
  } catch (error) {
    const hint = error instanceof ClusterError ? error.hint : undefined
    return [
      {
        subject: 'namespaces',
        message: error instanceof Error ? error.message : String(error),
        ...(hint !== undefined && { cure: hint }),
      },
    ]
  }
}

async function create(
  init: LocalInit,
  topology: Topology,
  options: CreateOptions,
): Promise<Cluster> {
  const { signal, runId, lastResort } = options
  const progress = options.progress ?? ((): void => undefined)
  checkTopology(topology)
  const held = new ResourceStack()
  try {
    const [privilege] = await Promise.all([findPrivilege(), removeStaleRunDirectories()])
    const capabilities = await checkShapes(topology, privilege)
    signal.throwIfAborted()
    const runDirectory = await makeRunDirectory(runId)
    held.defer(() => removeRunDirectory(runDirectory, privilege === 'sudo'))
    lastResort?.(() => {
      rmSync(runDirectory, { recursive: true, force: true })
    })
    const tokens = await writeTokens(runDirectory, topology)
    const door = held.use(await openApiDoor(join(runDirectory, 'api.sock'), init.port ?? 0))
    const sandbox = held.use(
      await startSandbox(
        {
          runDirectory,
          packageDirectory: init.packageDirectory,
          topology,
          nodeTokens: tokens.nodes,
        },
        privilege,
        progress,
        { signal },
      ),
    )
    lastResort?.(() => {
      sandbox.kill()
    })
    const ca = await readFile(join(runDirectory, 'pki', 'ca.crt'), 'utf8')
    const server = `https://127.0.0.1:${door.port}`
    const kube = held.use(
      kubeClient({ server, socketPath: join(runDirectory, 'api.sock'), ca, token: tokens.admin }),
    )
    const kubeconfigPath = join(runDirectory, 'kubeconfig')
    const text = kubeconfig({ server, ca, token: tokens.admin, name: 'meshmark' })
    await writeFile(kubeconfigPath, text, { mode: 0o600 })
    await Promise.race([
      nodesReady(kube, topology.nodes.length, readyMs, { signal }),
      sandbox.broken.then((message) => {
        throw new ClusterError('provision-failed', message)
      }),
    ])
    const nodes = placeNodes(topology)
    const master = nodes.find(({ role }) => role === 'master')
    return localCluster({
      topology,
      nodes,
      capabilities,
      runDirectory,
      sandbox,
      kube,
      kubeconfig: kubeconfigPath,
      packageDirectory: init.packageDirectory,
      apiServer: `https://${master?.address ?? ''}:${apiPort}`,
      description: {
        kubernetes: 'v1.34.0 (meshmark local)',
        namespaces: privilege,
        kernel: release(),
        'pod network': 'routed, one veth pair a pod',
      },
      held: held.move(),
    })
  } catch (error) {
    await held[Symbol.asyncDispose]()
    throw error
  }
}

/** Random bearer tokens: one for the harness and the user, one per kubelet, known to the API server by a file. */
async function writeTokens(
  runDirectory: string,
  topology: Topology,
): Promise<{ readonly admin: string; readonly nodes: Readonly<Record<string, string>> }> {
  const token = (): string => randomBytes(24).toString('base64url')
  const admin = token()
  const nodes = Object.fromEntries(topology.nodes.map(({ name }) => [name, token()]))
  const entries = [
    { token: admin, user: 'meshmark-admin', groups: ['system:masters'] },
    ...Object.entries(nodes).map(([name, one]) => ({
      token: one,
      user: `system:node:${name}`,
      groups: ['system:nodes'],
    })),
  ]
  try {
    await writeFile(join(runDirectory, 'tokens.json'), JSON.stringify(entries), { mode: 0o600 })
  } catch (cause) {
    throw diskError(cause, runDirectory)
  }
  return { admin, nodes }
}

/**
 * Finds out what links can do here.
 * @throws ClusterError when the topology asks for more
 */
async function checkShapes(
  topology: Topology,
  privilege: Privilege,
): Promise<ReadonlySet<Capability>> {
  const shaping = await shapingOf(privilege)
  const shapes = [...topology.lans, ...topology.nodes].flatMap(({ name, link }) =>
    link === undefined ? [] : [{ name, link }],
  )
  for (const { name, link } of shapes) {
    if (link.rateMbit !== undefined && !shaping.includes('link-rate'))
      throw new ClusterError(
        'provision-failed',
        `${name}: link.rateMbit needs tc with tbf, which this kernel does not have`,
      )
    if (
      (link.delayMs !== undefined || link.lossRatio !== undefined) &&
      !shaping.includes('link-delay')
    )
      throw new ClusterError(
        'provision-failed',
        `${name}: link.delayMs and link.lossRatio need netem, which this kernel does not have`,
        {
          hint: 'take them out of the topology, or use a kernel with sch_netem',
        },
      )
  }
  const lans: readonly Capability[] = ['multi-lan']
  return new Set<Capability>([
    'multi-node',
    'node-access',
    'node-fault',
    'api-fault',
    ...lans,
    ...shaping,
  ])
}

let knownShaping: Promise<readonly Capability[]> | undefined

/** Asks tc in a network namespace that is thrown away; asked once per process. */
function shapingOf(privilege: Privilege): Promise<readonly Capability[]> {
  const tries: readonly (readonly [string, readonly Capability[]])[] = [
    ['tbf rate 10mbit burst 32768 latency 50ms', ['link-rate']],
    ['netem delay 1ms', ['link-delay', 'link-loss']],
  ]
  knownShaping ??= Promise.all(
    tries.map(([qdisc, gives]) =>
      command([
        ...namespaceCommand(privilege),
        'tc',
        ...`qdisc add dev lo root ${qdisc}`.split(' '),
      ]).then(
        () => gives,
        () => [],
      ),
    ),
  ).then((found) => found.flat())
  return knownShaping
}
