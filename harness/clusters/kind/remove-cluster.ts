import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import { ended, output } from './cli.ts'
import { clusterDirectory, removeRecord } from './state.ts'

/** Clusters of ours bear this before the run's id. */
export const namePrefix = 'meshmark-'

/** The label of the containers of a cluster, by the CLI that makes them; k3d's images volume bears its own as well. */
const clusterLabels = { kind: 'io.x-k8s.kind.cluster', k3d: 'k3d.cluster' } as const

/**
 * Removes containers, volumes, the network and the record of a cluster, and ends what a dead harness had started for it. Nothing
 * happens where there is none.
 */
export async function removeCluster(name: string, options: AbortOptions): Promise<void> {
  // why: Docker may be just making a container that a killed `kind create` had asked for
  for (let quiet = 0, looks = 0; quiet < 2; looks += 1) {
    const killed = await killWorkersOf(name)
    const { ids = [] } = (await ourContainers(options)).get(name) ?? {}
    if (ids.length > 0) await ended(['docker', 'rm', '-f', '-v', ...ids], options)
    const others = await removeOthers(name, options)
    const isQuiet = killed + ids.length + others === 0
    if (isQuiet && looks === 0) break
    quiet = isQuiet ? quiet + 1 : 0
    await delay(500, undefined, options)
  }
  await removeRecord(name)
}

/** The network and the volumes of a cluster of k3d; kind's are shared, or go with their containers. Gives how many. */
async function removeOthers(name: string, options: AbortOptions): Promise<number> {
  let removed = 0
  for (const [kind, filters] of [
    ['volume', [`label=${clusterLabels.k3d}=${name}`]],
    ['network', ['label=app=k3d', `name=^k3d-${name}$`]],
  ] as const) {
    const filter = filters.flatMap((each) => ['--filter', each])
    const ids = (await output(['docker', kind, 'ls', '-q', ...filter], options)).split('\n')
    const found = ids.filter((id) => id !== '')
    if (found.length > 0) await ended(['docker', kind, 'rm', ...found], options)
    removed += found.length
  }
  return removed
}

/** Ends the programs that work on this cluster: kind, k3d, docker and those that they started bear its name as a word. */
async function killWorkersOf(name: string): Promise<number> {
  const ids = (await readdir('/proc').catch(() => [])).filter((id) => /^\d+$/.test(id))
  const isWorker = async (id: string): Promise<boolean> => {
    const argv = (await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')).split('\0')
    const program = basename(argv[0] ?? '')
    const names = argv.some((word) => word === name || word.startsWith(`${name}-`))
    return ['kind', 'k3d', 'docker'].includes(program) && names
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
  const docker = (...argv: readonly string[]): readonly string[] =>
    spawnSync('docker', argv, { encoding: 'utf8' }).stdout.split('\n')
  for (const label of Object.values(clusterLabels)) {
    const found = docker('ps', '-aq', '--filter', `label=${label}=${name}`)
    const ids = found.filter((id) => id !== '')
    if (ids.length > 0) docker('rm', '-f', '-v', ...ids)
  }
  docker('network', 'rm', '-f', `k3d-${name}`)
  docker('volume', 'rm', '-f', `k3d-${name}-images`)
  rmSync(clusterDirectory(name), { recursive: true, force: true })
}

/** The containers of one cluster. */
export interface ClusterContainers {
  readonly provider: 'kind' | 'k3d'
  readonly ids: readonly string[]
}

/** Containers by cluster, of the clusters with our names. */
export async function ourContainers(
  options: AbortOptions,
): Promise<ReadonlyMap<string, ClusterContainers>> {
  const found = new Map<string, ClusterContainers>()
  for (const provider of ['kind', 'k3d'] as const) {
    const label = clusterLabels[provider]
    const format = `{{.ID}} {{.Label "${label}"}}`
    const filter = ['--filter', `label=${label}`, '--format', format]
    for (const line of (await output(['docker', 'ps', '--all', ...filter], options)).split('\n')) {
      const [id = '', name = ''] = line.split(' ')
      if (!name.startsWith(namePrefix)) continue
      found.set(name, { provider, ids: [...(found.get(name)?.ids ?? []), id] })
    }
  }
  return found
}
