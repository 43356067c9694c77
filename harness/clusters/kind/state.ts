import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ClusterError } from '../../model/errors.ts'
import type { Topology } from '../../model/topology.ts'
import { type Owner, ownerOf } from '../owner.ts'
import type { KubeProxyMode } from './config.ts'

/** What is written down of a cluster before it is made, so that it can be found and removed whatever happens. */
export interface ClusterRecord {
  /** Name of the cluster, as the CLI that made it knows it. */
  readonly name: string
  /** Whose CLI made it: `kind` when absent. */
  readonly provider?: 'kind' | 'k3d'
  /** The harness that made it. */
  readonly owner: Owner
  /** True when it is to outlive its harness. */
  readonly kept: boolean
  readonly topology: Topology
  readonly kubeProxyMode: KubeProxyMode
  /** The pod network that was installed instead of kind's own. */
  readonly podNetwork?: string
  /** The target that was left in it, if one was. */
  readonly target?: string
  /** Runs whose objects stay: those that made it. */
  readonly targetRuns?: readonly string[]
  /** Whoever works with a kept cluster at this moment; when it is dead, what it made is still there. */
  readonly user?: Owner
}

/** A fault in force, and the commands that undo it in the node's container. */
export interface FaultRecord {
  readonly owner: Owner
  readonly container: string
  readonly undo: readonly (readonly string[])[]
}

/** The folder of all records: XDG_STATE_HOME of the XDG Base Directory Specification. */
export function stateDirectory(): string {
  const { XDG_STATE_HOME: given = '' } = process.env
  const home = given.startsWith('/') ? given : join(homedir(), '.local', 'state')
  return join(home, 'meshmark', 'kind')
}

/** The folder of one cluster: record, kubeconfig, configuration, faults in force. */
export function clusterDirectory(name: string): string {
  return join(stateDirectory(), name)
}

/** @throws ClusterError 'access-denied' or 'disk-full' */
export async function writeRecord(record: ClusterRecord): Promise<string> {
  const directory = clusterDirectory(record.name)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeWhole(join(directory, 'record.json'), record)
  } catch (cause) {
    const isFull = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC'
    throw new ClusterError(
      isFull ? 'disk-full' : 'access-denied',
      `${directory} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      { hint: 'set XDG_STATE_HOME to a folder that you can write and that has room', cause },
    )
  }
  return directory
}

/** Undefined when there is none, or none that can be read. */
export async function readRecord(name: string): Promise<ClusterRecord | undefined> {
  try {
    const text = await readFile(join(clusterDirectory(name), 'record.json'), 'utf8')
    return JSON.parse(text) as ClusterRecord
  } catch {
    return undefined
  }
}

export async function readRecords(): Promise<readonly ClusterRecord[]> {
  const names = await readdir(stateDirectory()).catch(() => [])
  const records = await Promise.all(names.sort().map(readRecord))
  return records.filter((record) => record !== undefined)
}

/** Says that nobody works with a kept cluster any more, and that nothing is left. */
export async function freeRecord(record: ClusterRecord): Promise<void> {
  const { user: _, ...free } = (await readRecord(record.name)) ?? record
  await writeRecord(free)
}

export async function removeRecord(name: string): Promise<void> {
  await rm(clusterDirectory(name), { recursive: true, force: true })
}

/** Writes down how a fault is undone, before it is made. Gives what removes the note. */
export async function noteFault(
  name: string,
  container: string,
  undo: FaultRecord['undo'],
): Promise<() => Promise<void>> {
  const folder = join(clusterDirectory(name), 'faults')
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${crypto.randomUUID()}.json`)
  await writeWhole(file, { owner: await ownerOf(process.pid), container, undo })
  return () => rm(file, { force: true })
}

export interface NotedFault extends FaultRecord {
  readonly forget: () => Promise<void>
}

export async function notedFaults(name: string): Promise<readonly NotedFault[]> {
  const folder = join(clusterDirectory(name), 'faults')
  const files = await readdir(folder).catch(() => [])
  const found = await Promise.all(
    files.map(async (file) => {
      const path = join(folder, file)
      try {
        const record = JSON.parse(await readFile(path, 'utf8')) as FaultRecord
        return [{ ...record, forget: () => rm(path, { force: true }) }]
      } catch {
        return []
      }
    }),
  )
  return found.flat()
}

/** A reader sees the whole of it or nothing: who is killed while writing leaves no half. */
async function writeWhole(path: string, value: unknown): Promise<void> {
  const next = `${path}.${process.pid}.new`
  await writeFile(next, `${JSON.stringify(value)}\n`, { mode: 0o600 })
  await rename(next, path)
}
