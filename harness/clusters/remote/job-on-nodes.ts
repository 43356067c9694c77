import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { ClusterError, KubeError } from '../../model/errors.ts'
import { pods } from '../kube/types.ts'
import {
  jobLabel,
  jobManifests,
  mainContainer,
  type NodesJob,
  versionContainer,
} from './job-manifests.ts'
import { phaseOf, type PodView, whyItCannotStart } from './job-pods.ts'

/** How one pod of a Job ended. */
export interface JobPodEnd {
  readonly node: string
  /** Absent when its pod was taken away before it ended: the Job ends all its pods when one fails. */
  readonly exitCode?: number
  /** What it said, stdout and stderr as they came. */
  readonly log: string
  /** What the program said of its version. */
  readonly version: string
}

export interface JobOnNodesOptions extends AbortOptions {
  /** Called when the program runs in all pods. */
  readonly running?: (places: readonly JobPlace[]) => Promise<void>
}

export interface JobPlace {
  readonly node: string
  /** Address of the pod. */
  readonly address: string
}

/** How long the pods may take to run, their image being in the nodes or in a near registry. */
const runsMs = 120_000

const lookEveryMs = 200

/**
 * Runs a program once on each of the nodes, as a Kubernetes Job, and removes the Job when it is over.
 * @throws ClusterError 'program-failed' when its pods cannot start, 'not-ready' when they do not end in time
 */
export async function jobOnNodes(
  cluster: Pick<Cluster, 'kube' | 'apply'>,
  job: NodesJob,
  { signal, running }: JobOnNodesOptions,
): Promise<readonly JobPodEnd[]> {
  await using _applied = await cluster.apply(jobManifests(job), { signal })
  const ends = new Map<string, JobPodEnd>()
  const placed = new Map<string, string>()
  const deadline = performance.now() + runsMs + job.deadlineSeconds * 1_000
  let isTold = running === undefined
  for (;;) {
    const found = await podsOf(cluster, job, { signal })
    for (const pod of found) {
      const { name } = pod.metadata
      const problem = whyItCannotStart(pod)
      if (problem !== undefined) throw cannotStart(job, pod, problem)
      if (pod.spec?.nodeName !== undefined) placed.set(name, pod.spec.nodeName)
      if (phaseOf(pod) === 'ended' && !ends.has(name))
        ends.set(name, await endOf(cluster, job, pod, { signal }))
    }
    const up = found.filter((pod) => phaseOf(pod) === 'running')
    if (!isTold && up.length === job.nodes.length) {
      isTold = true
      await running?.(up.map(placeOf))
    }
    const gone = [...placed.keys()].filter(
      (name) => !ends.has(name) && !found.some(({ metadata }) => metadata.name === name),
    )
    if (placed.size > 0 && ends.size + gone.length >= job.nodes.length)
      return [
        ...ends.values(),
        ...gone.map((name) => ({ node: placed.get(name) ?? '', log: '', version: '' })),
      ].sort((a, b) => a.node.localeCompare(b.node))
    if (performance.now() > deadline)
      throw new ClusterError(
        'not-ready',
        `the Job ${job.name} did not end: ${found.map((pod) => `${pod.metadata.name}: ${JSON.stringify(pod.status)}`).join('; ') || 'it has no pods'}`,
      )
    await delay(lookEveryMs, undefined, { signal })
  }
}

async function podsOf(
  { kube }: Pick<Cluster, 'kube'>,
  { name, namespace }: NodesJob,
  options: AbortOptions,
): Promise<readonly PodView[]> {
  const labelSelector = `${jobLabel}=${name}`
  return (await kube.list<PodView>(pods, { ...options, namespace, labelSelector })).items
}

async function endOf(
  { kube }: Pick<Cluster, 'kube'>,
  { namespace }: NodesJob,
  pod: PodView,
  options: AbortOptions,
): Promise<JobPodEnd> {
  const logOf = async (container: string): Promise<string> => {
    const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/log?container=${container}`
    const { status, body } = await kube.request('GET', path, options)
    if (status === 401 || status === 403) throw new KubeError(status, 'Forbidden', body)
    // why: what never ran, or is being taken away, has no log; that is told as no data
    return status >= 400 ? '' : body
  }
  const exitCode = pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode
  return {
    node: pod.spec?.nodeName ?? '',
    ...(exitCode !== undefined && { exitCode }),
    log: await logOf(mainContainer),
    version: await logOf(versionContainer),
  }
}

function placeOf({ spec, status }: PodView): JobPlace {
  return { node: spec?.nodeName ?? '', address: status?.podIP ?? '' }
}

function cannotStart({ name, image }: NodesJob, { spec }: PodView, why: string): ClusterError {
  const where = spec?.nodeName === undefined ? '' : ` on ${spec.nodeName}`
  return new ClusterError('program-failed', `the Job ${name} cannot start${where}: ${why}`, {
    hint: `can the nodes have its image ${image}?`,
  })
}
