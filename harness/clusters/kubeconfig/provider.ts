import { homedir } from 'node:os'
import { join } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, ClusterProvider, CreateOptions, ImageSource } from '../../model/cluster.ts'
import { HarnessError, KubeError, type Problem } from '../../model/errors.ts'
import type { Topology } from '../../model/topology.ts'
import { nameOfImage } from '../images/build.ts'
import { probeImageSource } from '../images/probe.ts'
import { kubeClient } from '../kube/client.ts'
import { type KubeconfigAccess, readKubeconfig } from '../remote/read-kubeconfig.ts'
import { connect } from './connect.ts'
import { removeLeftOf } from './left.ts'
import { refuseProduction } from './production.ts'
import { missingRights } from './rights.ts'

export interface KubeconfigInit {
  /** Folder of the installed package. */
  readonly packageDirectory: string
  /** Path; KUBECONFIG, then ~/.kube/config when absent. */
  readonly kubeconfig?: string
  /** The current one when absent. */
  readonly context?: string
  readonly edgeNodes?: readonly string[]
  /** Before the name of every image of ours, e.g. `registry.example/team/`. */
  readonly imagePrefix?: string
  /** The run will start Jobs and read what they say. */
  readonly runsJobs?: boolean
  /** Name of the context that the user agreed to use although it looks like production. */
  readonly agreedCluster?: string
}

/** A cluster that exists, through its API alone. */
export function kubeconfig(init: KubeconfigInit): ClusterProvider {
  return {
    id: 'kubeconfig',
    preflight: (options) => preflight(init, options),
    create: (topology, options) => create(init, topology, options),
  }
}

async function create(
  init: KubeconfigInit,
  topology: Topology,
  options: CreateOptions,
): Promise<Cluster> {
  const access = chosen(init)
  const imageName = (source: ImageSource): Promise<string> => nameIn(init, source)
  return connect(
    {
      access,
      kubeconfig: fileOf(init),
      edgeNodes: init.edgeNodes ?? [],
      probeImage: await imageName(probeImageSource()),
      imageName,
    },
    topology,
    options,
  )
}

/** What is wrong with the access, or which rights are missing; all of them at once. */
async function preflight(init: KubeconfigInit, options: AbortOptions): Promise<readonly Problem[]> {
  try {
    const access = chosen(init)
    refuseProduction(access, init.agreedCluster)
    await using kube = kubeClient(access)
    return await missingRights(kube, { ...options, runsJobs: init.runsJobs === true })
  } catch (error) {
    if (!(error instanceof HarnessError || error instanceof KubeError)) throw error
    const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined
    return [
      { subject: 'kubeconfig', message: error.message, ...(hint !== undefined && { cure: hint }) },
    ]
  }
}

/**
 * Removes what dead runs of this machine left in a cluster that exists. Gives what it was.
 * @throws ClusterError for a kubeconfig that cannot be used, or one that looks like production and was not named
 */
export async function healExisting(
  init: Pick<KubeconfigInit, 'kubeconfig' | 'context' | 'agreedCluster'>,
  options: AbortOptions,
): Promise<readonly string[]> {
  const access = chosen(init)
  refuseProduction(access, init.agreedCluster)
  await using kube = kubeClient(access)
  return await removeLeftOf(kube, { wait: true }, options)
}

function chosen(init: Pick<KubeconfigInit, 'kubeconfig' | 'context'>): KubeconfigAccess {
  return readKubeconfig(fileOf(init), init.context)
}

function fileOf({ kubeconfig: given }: Pick<KubeconfigInit, 'kubeconfig'>): string {
  const { KUBECONFIG: fromEnvironment = '' } = process.env
  const [first = ''] = fromEnvironment.split(':')
  return given ?? (first === '' ? join(homedir(), '.kube', 'config') : first)
}

/** Nothing is built here: the tag follows from the contents, and `meshmark images` builds the same. */
async function nameIn(
  { packageDirectory, imagePrefix = '' }: KubeconfigInit,
  { name, ...source }: ImageSource,
): Promise<string> {
  return nameOfImage(`${imagePrefix}${name}`, { packageDirectory, ...source })
}
