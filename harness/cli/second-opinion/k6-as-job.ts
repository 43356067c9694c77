import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { k6ImageSource } from '../../clusters/images/k6.ts'
import { filesDirectory } from '../../clusters/remote/job-manifests.ts'
import { jobOnNodes, type JobPodEnd } from '../../clusters/remote/job-on-nodes.ts'
import type { Stage } from '../../engine/stage.ts'
import { k6Command, type K6Job, type K6Program } from '../../load/k6.ts'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, ImageSource, Position } from '../../model/cluster.ts'
import { LoadError } from '../../model/errors.ts'
import { onPath, verifyProgram } from '../../targets/shared/programs.ts'
import { packageDirectory } from '../package.ts'
import type { K6Init } from './k6.ts'
import { startTogether } from './start-together.ts'

/** Name of the script in the Job. */
const script = 'service-http.ts'

/** Port of each k6's own API, when several wait for each other. */
const ownApi = 6565

/** How long the pods may take to run, beside the load itself. */
const startSeconds = 120

/**
 * Runs k6 as a Kubernetes Job with one pod on each of the nodes; when one fails, Kubernetes stops the others.
 * @throws LoadError 'program-failed' when there is no k6, ClusterError when its pods cannot start or do not end
 */
export async function k6AsJob(
  job: Omit<K6Job, 'script' | 'startedAt'>,
  init: K6Init,
  stage: Pick<Stage, 'cluster'>,
  at: readonly Position[],
  options: AbortOptions,
): Promise<readonly K6Program[]> {
  const { cluster } = stage
  const isShared = at.length > 1
  const ends = await jobOnNodes(
    cluster,
    {
      // why: a killed run's Job may be left in a kept cluster, and its answers are not ours
      name: `meshmark-k6-${crypto.randomUUID().slice(0, 8)}`,
      namespace: cluster.namespace ?? 'default',
      image: init.image ?? (await imageFor(cluster, init, options)),
      pullPolicy: cluster.provider === 'kubeconfig' ? 'IfNotPresent' : 'Never',
      argv: k6Command({
        ...job,
        script: `${filesDirectory}/${script}`,
        ...(isShared && { startedAt: `:${ownApi}` }),
      }),
      versionArgv: ['k6', 'version'],
      files: {
        [script]: await readFile(join(packageDirectory, 'scenarios', 'k6', script), 'utf8'),
      },
      nodes: at.map(({ node }) => node),
      deadlineSeconds: job.seconds + startSeconds,
    },
    {
      ...options,
      ...(isShared && {
        running: (places) =>
          startTogether(
            stage,
            places.map(({ node, address }) => ({
              at: { node, network: 'container' },
              url: `http://${address.includes(':') ? `[${address}]` : address}:${ownApi}`,
            })),
            options,
          ),
      }),
    },
  )
  return ends.map(programOf)
}

/** The image of this machine's k6; its name follows from the contents. @throws LoadError when there is none */
export function k6Image(baseImage: string | undefined): ImageSource {
  const binary = onPath('k6')
  if (binary === undefined)
    throw new LoadError('program-failed', 'there is no k6 on PATH to make an image of', {
      hint: 'install k6 (grafana.com/docs/k6), or name an image that has it: --k6-image grafana/k6',
    })
  verifyProgram('k6', binary)
  return k6ImageSource(binary, baseImage)
}

async function imageFor(
  cluster: Cluster,
  { baseImage }: K6Init,
  options: AbortOptions,
): Promise<string> {
  const image = await cluster.loadImage?.(k6Image(baseImage), options)
  if (image !== undefined) return image
  throw new LoadError('program-failed', `provider ${cluster.provider} takes no images`)
}

/** The summary is one line of JSON among what k6 logs. */
function programOf({ node, exitCode, log, version }: JobPodEnd): K6Program {
  const lines = log.split('\n')
  const isSummary = (line: string): boolean => line.startsWith('{')
  const said = lines.filter((line) => !isSummary(line)).join('\n')
  return {
    node,
    version,
    ended: {
      ...(exitCode !== undefined && { exitCode }),
      stdout: lines.findLast(isSummary) ?? '',
      // why: one that did not come to run has said it before
      stderr: log === '' ? version : said,
    },
  }
}
