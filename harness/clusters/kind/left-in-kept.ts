import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../model/abort.ts'
import { kubeClient } from '../kube/client.ts'
import { isDead } from '../owner.ts'
import { removeLeftObjects } from '../remote/left-objects.ts'
import { readKubeconfig } from '../remote/read-kubeconfig.ts'
import { type ClusterRecord, clusterDirectory } from './state.ts'

/** True when the run that last worked with a kept cluster was killed in it. */
export async function isUnclean({ kept, user }: ClusterRecord): Promise<boolean> {
  return kept && user !== undefined && (await isDead(user))
}

/**
 * Removes from a kept cluster what killed runs made in it: objects that bear their mark, archives of images. A target
 * that was left on purpose stays. Gives what was done.
 * @throws ClusterError 'not-ready' when an object does not go, or whatever keeps the API from answering
 */
export async function removeLeftIn(
  { name, targetRuns = [] }: ClusterRecord,
  options: AbortOptions,
): Promise<readonly string[]> {
  const directory = clusterDirectory(name)
  const archives = (await readdir(directory)).filter((file) => file.endsWith('.tar'))
  await Promise.all(archives.map((file) => rm(join(directory, file), { force: true })))
  await using kube = kubeClient(readKubeconfig(join(directory, 'kubeconfig')))
  const gone = await removeLeftObjects(kube, { isDead, stays: targetRuns, wait: true }, options)
  return gone.length === 0 ? [] : [`removed ${gone.join(', ')} from the cluster ${name}`]
}
