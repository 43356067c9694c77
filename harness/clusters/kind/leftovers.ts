import type { AbortOptions } from '../../model/abort.ts'
import { removeStaleContexts } from '../images/build.ts'
import { isDead } from '../owner.ts'
import { ended } from './cli.ts'
import { isUnclean, removeLeftIn } from './left-in-kept.ts'
import { ourContainers, removeCluster } from './remove-cluster.ts'
import { freeRecord, notedFaults, readRecord, readRecords } from './state.ts'

/** A cluster of ours, or what is left of one. */
export interface FoundCluster {
  readonly name: string
  readonly provider: 'kind' | 'k3d'
  /**
   * `in-use`: its harness lives. `kept`: it was to stay. `left`: its harness is dead and it was not to stay.
   * `unknown`: it bears our name and no record says whose it is.
   */
  readonly state: 'in-use' | 'kept' | 'left' | 'unknown'
  readonly containers: readonly string[]
  /** Faults that a dead harness left in force. */
  readonly faults: number
  /** It was kept, and a run was killed in it: what that run made is still there. */
  readonly isUnclean: boolean
}

/** Every cluster whose name is one of ours, with or without containers. */
export async function foundClusters(options: AbortOptions): Promise<readonly FoundCluster[]> {
  const [containers, records] = await Promise.all([ourContainers(options), readRecords()])
  const recorded = await Promise.all(
    records.map(async (record): Promise<FoundCluster> => {
      const { name, owner, kept, provider = 'kind' } = record
      const own = containers.get(name)?.ids ?? []
      const state = kept ? 'kept' : (await isDead(owner)) ? 'left' : 'in-use'
      // why: a cluster that was to stay and has no container any more was removed by hand
      return {
        name,
        provider,
        state: kept && own.length === 0 ? 'left' : state,
        containers: own,
        faults: (await deadFaults(name)).length,
        isUnclean: await isUnclean(record),
      }
    }),
  )
  const known = new Set(records.map(({ name }) => name))
  const unknown = [...containers]
    .filter(([name]) => !known.has(name))
    .map(([name, { ids, provider }]): FoundCluster => {
      return { name, provider, state: 'unknown', containers: ids, faults: 0, isUnclean: false }
    })
  return [...recorded, ...unknown]
}

/**
 * Removes what dead harnesses left: their clusters, and their faults and objects in clusters that stay. Gives what was
 * done.
 */
export async function heal(options: AbortOptions): Promise<readonly string[]> {
  const done: string[] = []
  await removeStaleContexts()
  for (const { name, state, isUnclean: unclean } of await foundClusters(options)) {
    if (state === 'left') {
      await removeCluster(name, options)
      done.push(`removed the cluster ${name}`)
      continue
    }
    const healed = await healFaults(name, options)
    if (healed > 0) done.push(`undid ${healed} faults in the cluster ${name}`)
    if (unclean) done.push(...(await cleaned(name, options)))
  }
  return done
}

/** A kept cluster that cannot be looked into, because it is stopped, say, keeps nobody from their work. */
async function cleaned(name: string, options: AbortOptions): Promise<readonly string[]> {
  const record = await readRecord(name)
  // why: somebody may have begun to work with it a moment ago
  if (record === undefined || !(await isUnclean(record))) return []
  try {
    const done = await removeLeftIn(record, options)
    await freeRecord(record)
    return done
  } catch (error) {
    options.signal.throwIfAborted()
    const why = error instanceof Error ? error.message : String(error)
    return [`could not remove everything from the cluster ${name} (${why})`]
  }
}

/** Undoes what dead harnesses broke in a cluster. Gives how many faults that were. */
export async function healFaults(name: string, options: AbortOptions): Promise<number> {
  const faults = await deadFaults(name)
  for (const { container, undo, forget } of faults) {
    // why: a harness that was killed half-way made only some of it, so some of it cannot be undone
    for (const argv of undo) await ended(argvIn(container, argv), options)
    await forget()
  }
  return faults.length
}

/** `docker start` is for the host, everything else for inside the node. */
export function argvIn(container: string, argv: readonly string[]): readonly string[] {
  return argv[0] === 'docker' ? argv : ['docker', 'exec', container, ...argv]
}

async function deadFaults(name: string): ReturnType<typeof notedFaults> {
  const faults = await notedFaults(name)
  const dead = await Promise.all(faults.map(({ owner }) => isDead(owner)))
  return faults.filter((_, index) => dead[index])
}
