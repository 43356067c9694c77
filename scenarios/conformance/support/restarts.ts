import type { CheckContext } from '../../../harness/api.ts'

/** Begins the name of every namespace that the suite makes. */
export const suitePrefix = 'mm-'

/** How often the containers of each pod were started again; pods of the suite's own namespaces are left out. */
export async function restartsOfOthers({
  cluster,
  signal,
}: Pick<CheckContext, 'cluster' | 'signal'>): Promise<Readonly<Record<string, number>>> {
  const type = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, { signal })
  const { items } = await cluster.kube.list(type, { signal })
  const others = items.filter(
    ({ metadata }) => metadata.namespace?.startsWith(suitePrefix) !== true,
  )
  return Object.fromEntries(
    others.map(({ metadata, status }) => {
      const { containerStatuses = [] } = (status ?? {}) as {
        containerStatuses?: readonly { restartCount?: number }[]
      }
      const count = containerStatuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0)
      return [`${metadata.namespace ?? ''}/${metadata.name}`, count]
    }),
  )
}

/** Pods of a look whose containers were started again since, or that are there no more; pods that came later are left out. */
export function startedAgain(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): readonly string[] {
  return Object.keys(before).filter((pod) => after[pod] !== before[pod])
}
