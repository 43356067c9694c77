import { join } from 'node:path'
import type { Cluster, CreateOptions } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { isDead, ownerOf } from '../owner.ts'
import { assemble } from './assemble.ts'
import { imagesForAll, type KindInit } from './boot.ts'
import { kindCli } from './cli.ts'
import { containerNames, withKubeProxy } from './config.ts'
import { isUnclean, removeLeftIn } from './left-in-kept.ts'
import { foundClusters, healFaults } from './leftovers.ts'
import { loadImages } from './load-images.ts'
import {
  type ClusterRecord,
  clusterDirectory,
  freeRecord,
  readRecord,
  writeRecord,
} from './state.ts'

export interface AttachInit extends KindInit {
  /** Name of a cluster that was kept. */
  readonly cluster: string
  /** The target that is to be measured in it. */
  readonly target?: string
}

/** Works with a cluster that was kept; disposing leaves it as it was found. */
export async function attachKind(
  init: AttachInit,
  wanted: Topology,
  options: CreateOptions,
): Promise<Cluster> {
  const { signal, progress, runId } = options
  const record = await keptRecord(init, wanted, options)
  const { name, kubeProxyMode } = record
  const topology = withKubeProxy(wanted, kubeProxyMode)
  const containers = containerNames(name, topology)
  const directory = clusterDirectory(name)
  const place = { name, containers: [...containers.values()], directory }
  const version = await kindCli.version({ signal })
  let unclean = await isUnclean(record)
  // why: what a dead run left must not be forgotten when it cannot be removed now
  const held = new ResourceStack()
  held.defer(() => (unclean ? writeRecord(record).then(() => undefined) : freeRecord(record)))
  await writeRecord({ ...record, user: await ownerOf(process.pid) })
  try {
    const healed = await healFaults(name, { signal })
    if (healed > 0) progress?.(`undid ${healed} faults that a dead run had left`)
    if (unclean)
      for (const line of await removeLeftIn(record, { signal }))
        progress?.(`${line}, which a dead run had left`)
    unclean = false
    const probeImage = await imagesForAll(init, place, options)
    const { packageDirectory } = init
    const kubeconfig = join(directory, 'kubeconfig')
    return await assemble(
      {
        provider: 'kind',
        isOwn: false,
        network: 'kind',
        podNetwork: record.podNetwork ?? 'kindnet',
        load: (references, each) => loadImages(place, references, each),
        name,
        runId,
        topology,
        containers,
        kubeconfig,
        probeImage,
        packageDirectory,
        kubeProxyMode,
        version,
        handedDns: record.topology.clusterDns,
        release: () => held[Symbol.asyncDispose](),
        stays: () => true,
        keep: async (left) => {
          if (left === undefined) return
          const { clusterDns } = record.topology
          // why: the kubelets get back what they had, so pods would not ask the target that stays
          if (topology.clusterDns !== clusterDns)
            throw new ClusterError(
              'provision-failed',
              `${left} cannot stay in ${name}: it answers names at ${topology.clusterDns}, and the cluster was made for ${clusterDns}`,
              { hint: 'leave out --cluster, or --keep' },
            )
          const now = (await readRecord(name)) ?? record
          const targetRuns = [...(now.targetRuns ?? []), runId]
          await writeRecord({ ...now, target: left, targetRuns })
        },
      },
      { signal },
    )
  } catch (error) {
    // why: once only, somebody else may work with it by then
    await held[Symbol.asyncDispose]()
    throw error
  }
}

/** @throws ClusterError when there is no such cluster, when it is in use, or when it does not fit */
async function keptRecord(
  { cluster: name, kubeProxyMode, target }: AttachInit,
  topology: Topology,
  options: CreateOptions,
): Promise<ClusterRecord> {
  const [record, all] = await Promise.all([readRecord(name), foundClusters(options)])
  const kept = all.filter(({ state }) => state === 'kept').map((cluster) => cluster.name)
  if (record === undefined || !kept.includes(name))
    throw new ClusterError('provision-failed', `there is no kept cluster ${name}`, {
      hint:
        kept.length === 0
          ? 'make one: meshmark up --provider kind --keep'
          : `kept clusters: ${kept.join(', ')}`,
    })
  if (record.user !== undefined && !(await isDead(record.user)))
    throw new ClusterError('provision-failed', `${name} is used by process ${record.user.pid}`, {
      hint: 'wait until it is through, or boot another one: two runs would disturb each other',
    })
  const misfit = misfitOf(record, { topology, kubeProxyMode, target })
  if (misfit !== undefined)
    throw new ClusterError('provision-failed', `${name} does not fit: ${misfit}`, {
      hint: 'leave out --cluster, or keep a cluster that fits: meshmark up --provider kind --keep',
    })
  return record
}

/** What each run changes as it needs it, giving the nodes back what they had; pauses only take time. */
const ofTheRun: ReadonlySet<keyof Topology> = new Set([
  'clusterDns',
  'upstreamDns',
  'longestRestartPauseMs',
])

function misfitOf(
  record: ClusterRecord,
  wanted: {
    readonly topology: Topology
    readonly kubeProxyMode: string | undefined
    readonly target: string | undefined
  },
): string | undefined {
  const { kubeProxyMode, target } = wanted
  if (kubeProxyMode !== undefined && kubeProxyMode !== record.kubeProxyMode)
    return `its kube-proxy mode is ${record.kubeProxyMode}, wanted ${kubeProxyMode}`
  if (record.target !== undefined && record.target !== target)
    return `the target ${record.target} is in it, wanted ${target ?? 'none'}`
  const keys = (Object.keys(wanted.topology) as readonly (keyof Topology)[]).filter(
    (key) => !ofTheRun.has(key),
  )
  const has = (topology: Topology, key: keyof Topology): string => JSON.stringify(topology[key])
  const key = keys.find((each) => has(wanted.topology, each) !== has(record.topology, each))
  if (key === undefined) return undefined
  return `its ${key} is ${has(record.topology, key)}, wanted ${has(wanted.topology, key)}`
}
