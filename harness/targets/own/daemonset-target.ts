import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, Programs } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { KubeObject } from '../../model/kubernetes.ts'
import type { DeployedTarget, Feature, Identity, Target } from '../../model/target.ts'
import { daemonSetReady } from '../shared/daemonset.ts'
import { type ProcessName, pidsOn, signalPrograms, usageOf } from '../shared/processes.ts'

/** A data plane that is a DaemonSet and the objects that go with it. */
export interface DaemonSetTargetInit {
  /** Letters, digits and dashes; results call it so. */
  readonly id: string
  readonly identity: Identity
  readonly features?: readonly Feature[]
  /** YAML files with its manifests, one DaemonSet among them: `new URL('./deploy.yaml', import.meta.url)`. */
  readonly manifests: readonly (URL | string)[]
  /** Changes a manifest for this cluster, e.g. tells it where the API is before any Service works. */
  readonly adapt?: (manifest: KubeObject, cluster: Cluster) => KubeObject
  /** Its process, as `ps -o comm` shows it: for restarts and for what it uses. */
  readonly process: ProcessName
  /** Where its DNS server answers, when it has one of its own. */
  readonly clusterDns?: string
  /** Say so when it serves every Service itself, so that nobody else should. */
  readonly kubeProxy?: 'absent'
  /** Images that it needs: they have to be in Docker, and are given to the nodes. */
  readonly imageNames?: readonly string[]
  /** For provider local: the program of this machine that each image stands for. */
  readonly programs?: Programs
  /** How long it may take to be ready, in milliseconds; 90 000 when absent. */
  readonly readyMs?: number
}

const usualReadyMs = 90_000

/**
 * A target of manifests: applied to deploy it, ready when its DaemonSet is on every edge node, deleted at the end.
 * @throws TargetError 'deploy-failed', when deployed, for manifests that cannot be read or have no DaemonSet
 */
export function daemonSetTarget(init: DaemonSetTargetInit): Target {
  const { id, identity, features = [], clusterDns, kubeProxy, imageNames, programs } = init
  return {
    id,
    identity,
    features: new Set(features),
    topology: clusterDns === undefined ? {} : { clusterDns },
    ...(kubeProxy !== undefined && { kubeProxy }),
    ...(imageNames !== undefined && { imageNames }),
    ...(programs !== undefined && { programs: () => Promise.resolve(programs) }),
    deploy: async (cluster, options) => {
      const { adapt = (manifest): KubeObject => manifest } = init
      const manifests = (await readAll(init.manifests)).map((manifest) => adapt(manifest, cluster))
      const daemonSets = manifests.filter(({ kind }) => kind === 'DaemonSet')
      const [daemonSet, ...others] = daemonSets
      if (daemonSet === undefined || others.length > 0)
        throw new TargetError(
          'deploy-failed',
          `the manifests of ${id} have ${daemonSets.length} DaemonSets, want one: ${init.manifests.join(', ')}`,
        )
      return deployed(init, cluster, daemonSet, await cluster.apply(manifests, options))
    },
  }
}

function deployed(
  { process, readyMs = usualReadyMs }: DaemonSetTargetInit,
  cluster: Cluster,
  daemonSet: KubeObject,
  applied: AsyncDisposable,
): DeployedTarget {
  const nodes = cluster.nodes.filter(({ role }) => role === 'edge').length
  return {
    ready: (options: AbortOptions) =>
      daemonSetReady(cluster, daemonSet, { nodes, withinMs: readyMs }, options),
    restart: (node, how, options) => signalPrograms(cluster, node, process, how, options),
    usage: (node, options) => usageOf(cluster, node, [process], options),
    pids: (node, options) => pidsOn(cluster, node, process, options),
    [Symbol.asyncDispose]: () => applied[Symbol.asyncDispose](),
  }
}

async function readAll(files: readonly (URL | string)[]): Promise<readonly KubeObject[]> {
  const texts = await Promise.all(files.map(read))
  return texts.flatMap((text, index) =>
    parseAllDocuments(text).flatMap((document) => {
      const [problem] = document.errors
      if (problem !== undefined)
        throw new TargetError('deploy-failed', `${String(files[index])}: ${problem.message}`)
      const manifest = document.toJS() as KubeObject | null
      return manifest === null ? [] : [manifest]
    }),
  )
}

async function read(file: URL | string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new TargetError(
      'deploy-failed',
      `${String(file)} cannot be read: ${(cause as Error).message}`,
      { hint: 'name it relative to your file: new URL("./deploy.yaml", import.meta.url)', cause },
    )
  }
}
