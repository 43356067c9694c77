import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import { removeStaleContexts } from '../images/build.ts'
import { isDead } from '../owner.ts'
import { ended, output } from './cli.ts'
import { clusterDirectory, notedFaults, readRecord, readRecords, removeRecord } from './state.ts'

/** The label that kind puts on the containers of its nodes. */
const clusterLabel = 'io.x-k8s.kind.cluster'

/** Clusters of ours bear this before the run's id. */
export const namePrefix = 'meshmark-'

/** A cluster of ours, or what is left of one. */
export interface FoundCluster {
  readonly name: string
  /**
   * `in-use`: its harness lives. `kept`: it was to stay. `left`: its harness is dead and it was not to stay.
   * `unknown`: it bears our name and no record says whose it is.
   */
  readonly state: 'in-use' | 'kept' | 'left' | 'unknown'
  readonly containers: readonly string[]
  /** Faults that a dead harness left in force. */
  readonly faults: number
}

/** Every cluster whose name is one of ours, with or without containers. */
export async function foundClusters(options: AbortOptions): Promise<readonly FoundCluster[]> {
  const [containers, records] = await Promise.all([ourContainers(options), readRecords()])
  const recorded = await Promise.all(
    records.map(async ({ name, owner, kept }): Promise<FoundCluster> => {
      const own = containers.get(name) ?? []
      const state = kept ? 'kept' : (await isDead(owner)) ? 'left' : 'in-use'
      // why: a cluster that was to stay and has no container any more was removed by hand
      return {
        name,
        state: kept && own.length === 0 ? 'left' : state,
        containers: own,
        faults: (await deadFaults(name)).length,
      }
    }),
  )
  const known = new Set(records.map(({ name }) => name))
  const unknown = [...containers]
    .filter(([name]) => !known.has(name))
    .map(([name, own]): FoundCluster => ({ name, state: 'unknown', containers: own, faults: 0 }))
  return [...recorded, ...unknown]
}

/** Removes the clusters of dead harnesses and undoes their faults in clusters that stay. Gives what was done. */
export async function heal(options: AbortOptions): Promise<readonly string[]> {
  const done: string[] = []
  await removeStaleContexts()
  for (const { name, state } of await foundClusters(options)) {
    if (state === 'left') {
      await removeCluster(name, options)
      done.push(`removed the cluster ${name}`)
      continue
    }
    const healed = await healFaults(name, options)
    if (healed > 0) done.push(`undid ${healed} faults in the cluster ${name}`)
  }
  return done
}

/** Undoes what dead harnesses broke in a cluster, and removes the archives that they left. Gives how many faults that were. */
export async function healFaults(name: string, options: AbortOptions): Promise<number> {
  const faults = await deadFaults(name)
  await removeArchives(name)
  for (const { container, undo, forget } of faults) {
    // why: a harness that was killed half-way made only some of it, so some of it cannot be undone
    for (const argv of undo) await ended(argvIn(container, argv), options)
    await forget()
  }
  return faults.length
}

/** Archives of images that a harness was loading when it was killed. */
async function removeArchives(name: string): Promise<void> {
  const { user } = (await readRecord(name)) ?? {}
  if (user === undefined || !(await isDead(user))) return
  const directory = clusterDirectory(name)
  const archives = (await readdir(directory)).filter((file) => file.endsWith('.tar'))
  await Promise.all(archives.map((file) => rm(join(directory, file), { force: true })))
}

/** `docker start` is for the host, everything else for inside the node. */
export function argvIn(container: string, argv: readonly string[]): readonly string[] {
  return argv[0] === 'docker' ? argv : ['docker', 'exec', container, ...argv]
}

/**
 * Removes containers, volumes and the record of a cluster, and ends what a dead harness had started for it. Nothing
 * happens where there is none.
 */
export async function removeCluster(name: string, options: AbortOptions): Promise<void> {
  // why: Docker may be just making a container that a killed `kind create` had asked for
  for (let quiet = 0, looks = 0; quiet < 2; looks += 1) {
    const killed = await killWorkersOf(name)
    const containers = (await ourContainers(options)).get(name) ?? []
    if (containers.length > 0) await ended(['docker', 'rm', '-f', '-v', ...containers], options)
    const isQuiet = killed + containers.length === 0
    if (isQuiet && looks === 0) break
    quiet = isQuiet ? quiet + 1 : 0
    await delay(500, undefined, options)
  }
  await removeRecord(name)
}

/** Ends the programs that work on this cluster: kind, docker and those that they started bear its name as a word. */
async function killWorkersOf(name: string): Promise<number> {
  const ids = (await readdir('/proc').catch(() => [])).filter((id) => /^\d+$/.test(id))
  const isWorker = async (id: string): Promise<boolean> => {
    const argv = (await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')).split('\0')
    const program = basename(argv[0] ?? '')
    const names = argv.some((word) => word === name || word.startsWith(`${name}-`))
    return ['kind', 'docker'].includes(program) && names
  }
  const found = await Promise.all(ids.map(isWorker))
  const workers = ids.filter((_, index) => found[index])
  for (const id of workers)
    try {
      process.kill(Number(id), 'SIGKILL')
    } catch {
      // why: it ended by itself
    }
  return workers.length
}

/** The same at once, for a harness that leaves without waiting. */
export function removeClusterNow(name: string): void {
  const label = `label=${clusterLabel}=${name}`
  const { stdout } = spawnSync('docker', ['ps', '-aq', '--filter', label], { encoding: 'utf8' })
  const ids = stdout.split('\n').filter((id) => id !== '')
  if (ids.length > 0) spawnSync('docker', ['rm', '-f', '-v', ...ids])
  rmSync(clusterDirectory(name), { recursive: true, force: true })
}

async function deadFaults(name: string): ReturnType<typeof notedFaults> {
  const faults = await notedFaults(name)
  const dead = await Promise.all(faults.map(({ owner }) => isDead(owner)))
  return faults.filter((_, index) => dead[index])
}

/** Containers by cluster, of the clusters with our names. */
async function ourContainers(
  options: AbortOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const format = `{{.ID}} {{.Label "${clusterLabel}"}}`
  const said = await output(
    ['docker', 'ps', '--all', '--filter', `label=${clusterLabel}`, '--format', format],
    options,
  )
  const found = new Map<string, string[]>()
  for (const line of said.split('\n')) {
    const [id = '', name = ''] = line.split(' ')
    if (!name.startsWith(namePrefix)) continue
    found.set(name, [...(found.get(name) ?? []), id])
  }
  return found
}
