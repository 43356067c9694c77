import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, CreateOptions } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { Topology } from '../../model/topology.ts'
import { buildImage } from '../images/build.ts'
import { probeImage } from '../images/probe.ts'
import { kubeClient } from '../kube/client.ts'
import { ownerOf } from '../owner.ts'
import { readKubeconfig } from '../remote/read-kubeconfig.ts'
import { applyManifests } from '../kube/apply.ts'
import { assemble } from './assemble.ts'
import { kindCli } from './cli.ts'
import { readCni } from './cni.ts'
import { containerNames, kindConfig, type KubeProxyMode, withKubeProxy } from './config.ts'
import { heal } from './leftovers.ts'
import { containerdAnswers, type LoadInit, loadImages } from './load-images.ts'
import { nodesReady } from './nodes-ready.ts'
import { namePrefix, removeCluster, removeClusterNow } from './remove-cluster.ts'
import { type ClusterRecord, freeRecord, writeRecord } from './state.ts'
import { withNodeLogs } from './why-not-ready.ts'

export interface KindInit {
  /** Folder of the installed package: the probe image is made of it. */
  readonly packageDirectory: string
  /** Image of the nodes; that of the kind CLI's own version when absent. */
  readonly nodeImage?: string
  /** Base of the images that are built, `node:20-bookworm-slim` by default. */
  readonly baseImage?: string
  /** `iptables` by default; `none` leaves Services to the target. */
  readonly kubeProxyMode?: KubeProxyMode
  /** File with the manifests of another pod network (CNI) than kind's own. */
  readonly cni?: string
  /** Images that Docker has and the nodes need; none is pulled during a run. */
  readonly images?: readonly string[]
}

/** How long a removal may take; it must not be given up with the run. */
const removalMs = 60_000

/** Boots a cluster named `meshmark-<run id>`; nothing is left behind when that fails or is aborted. */
export async function bootKind(
  init: KindInit,
  wanted: Topology,
  options: CreateOptions,
): Promise<Cluster> {
  await using held = new ResourceStack()
  const { signal, runId, progress } = options
  const kubeProxyMode = wanted.kubeProxy ?? init.kubeProxyMode ?? 'iptables'
  const topology = withKubeProxy(wanted, kubeProxyMode)
  const name = `${namePrefix}${runId}`.toLowerCase()
  const cni = init.cni === undefined ? undefined : await readCni(init.cni)
  const config = kindConfig(topology, {
    ...init,
    kubeProxyMode,
    name,
    ownCni: cni === undefined,
  })
  const [version, existing, healed] = await Promise.all([
    kindCli.version({ signal }),
    kindCli.clusters({ signal }),
    heal({ signal }),
  ])
  for (const line of healed) progress?.(`${line}, which a dead run had left`)
  if (existing.includes(name))
    throw new ClusterError('provision-failed', `a kind cluster ${name} exists already`, {
      hint: `kind delete cluster --name ${name}`,
    })
  let isKept = false
  options.lastResort?.(() => {
    if (!isKept) removeClusterNow(name)
  })
  held.defer(() => removeCluster(name, { signal: AbortSignal.timeout(removalMs) }))
  const record: ClusterRecord = {
    name,
    owner: await ownerOf(process.pid),
    kept: false,
    topology,
    kubeProxyMode,
    ...(cni !== undefined && { podNetwork: cni.name }),
  }
  const directory = await writeRecord(record)
  const kubeconfig = join(directory, 'kubeconfig')
  const configFile = join(directory, 'kind.yaml')
  await writeFile(configFile, config)
  progress?.(`kind ${version} creates ${topology.nodes.length} nodes`)
  const containers = containerNames(name, topology)
  const place = { name, containers: [...containers.values()], directory }
  const image = await bothOrNone(
    signal,
    async (each) => {
      try {
        await kindCli.create(name, configFile, kubeconfig, each)
        await using kube = kubeClient(readKubeconfig(kubeconfig))
        // why: it is the cluster's and goes with it
        if (cni !== undefined) await applyManifests(kube, cni.manifests, each)
        await nodesReady(kube, [...containers.keys()], each)
      } catch (error) {
        throw await withNodeLogs(error, place.containers, { signal })
      }
    },
    (each) => imagesForAll(init, place, { ...options, ...each }),
  )
  const removal = new ResourceStack()
  const cluster = await assemble(
    {
      provider: 'kind',
      isOwn: true,
      network: 'kind',
      podNetwork: cni?.name ?? 'kindnet',
      load: (references, each) => loadImages(place, references, each),
      name,
      runId,
      topology,
      containers,
      kubeconfig,
      probeImage: image,
      packageDirectory: init.packageDirectory,
      kubeProxyMode,
      version,
      release: () => removal[Symbol.asyncDispose](),
      stays: () => isKept,
      keep: async (target) => {
        const left = target === undefined ? {} : { target, targetRuns: [runId] }
        // why: until it is disposed this run works with it, and may be killed in it
        await writeRecord({ ...record, ...left, kept: true, user: record.owner })
        isKept = true
      },
    },
    { signal },
  )
  const boot = held.move()
  removal.defer(async () => {
    if (isKept) await freeRecord(record)
    else await boot[Symbol.asyncDispose]()
  })
  return cluster
}

/** Two works at once; when one fails, the other one is stopped and awaited, so that nothing goes on behind. */
async function bothOrNone<T>(
  signal: AbortSignal,
  one: (options: AbortOptions) => Promise<void>,
  other: (options: AbortOptions) => Promise<T>,
): Promise<T> {
  const stop = new AbortController()
  const each = { signal: AbortSignal.any([signal, stop.signal]) }
  const failures: unknown[] = []
  const watched = <R>(work: Promise<R>): Promise<R> =>
    work.catch((error: unknown) => {
      failures.push(error)
      stop.abort()
      throw error
    })
  const [, result] = await Promise.allSettled([watched(one(each)), watched(other(each))])
  signal.throwIfAborted()
  if (failures.length > 0 || result.status === 'rejected') throw failures[0]
  return result.value
}

/** Builds what has to be built and gives it to the nodes as soon as their containerd answers. */
export async function imagesForAll(
  init: KindInit,
  place: LoadInit,
  options: CreateOptions,
): Promise<string> {
  const { packageDirectory, images = [] } = init
  const [probe, ...others] = await Promise.all([
    probeImage(init, options),
    ...(options.images ?? []).map(({ name, ...source }) =>
      buildImage(name, { packageDirectory, ...source }, options),
    ),
  ])
  await containerdAnswers(place.containers, options)
  const references = [probe, ...others].map(({ reference }) => reference)
  await loadImages(place, [...references, ...images], options)
  return probe.reference
}
