import type { AbortOptions } from '../../model/abort.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { isDead, ownerOf } from '../owner.ts'
import { removeLeftObjects } from '../remote/left-objects.ts'

/** Removes what harnesses that died on this machine left in a cluster, namespaces first of all. Gives what it was. */
export async function removeLeftOf(
  kube: KubeClient,
  { wait }: { readonly wait: boolean },
  options: AbortOptions,
): Promise<readonly string[]> {
  const here = await ownerOf(process.pid)
  return removeLeftObjects(
    kube,
    {
      wait,
      // why: whether a process of another machine, or of this one before it started again, lives cannot be seen here
      isDead: async (owner) => owner.bootId === here.bootId && (await isDead(owner)),
    },
    options,
  )
}
