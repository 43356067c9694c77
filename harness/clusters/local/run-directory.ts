import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from './network/command.ts'
import { ClusterError } from '../../model/errors.ts'

const prefix = 'meshmark-'

/** Who made a run folder: a process id alone could be another process by now. */
interface Owner {
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat: ticks after boot. */
  readonly startTicks: string
}

/** Makes the folder that holds everything of one run. Only its owner may look into it. */
export async function makeRunDirectory(runId: string): Promise<string> {
  try {
    const directory = await mkdtemp(join(tmpdir(), `${prefix}${runId}-`))
    const owner: Owner = { pid: process.pid, startTicks: (await startTicks(process.pid)) ?? '' }
    await writeFile(join(directory, 'owner.json'), JSON.stringify(owner))
    return directory
  } catch (cause) {
    throw diskError(cause, tmpdir())
  }
}

/** An error of writing under a folder, with its cure. */
export function diskError(cause: unknown, where: string): ClusterError {
  const message = cause instanceof Error ? cause.message : String(cause)
  const full = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC'
  return new ClusterError(
    full ? 'disk-full' : 'access-denied',
    `${where} cannot be written: ${message}`,
    {
      hint: full
        ? `free some space in ${where}, or set TMPDIR to a folder with room`
        : 'set TMPDIR to a folder that you can write',
      cause,
    },
  )
}

/** Removes a run folder; files that root made through sudo are removed through sudo. */
export async function removeRunDirectory(directory: string, asRoot: boolean): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  } catch (error) {
    if (!asRoot) throw error
    await command(['sudo', '-n', 'rm', '-rf', '--', directory])
  }
}

/** Removes the folders of runs whose harness is dead: theirs went down with them, their files may have stayed. */
export async function removeStaleRunDirectories(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => [])
  await Promise.all(
    names
      .filter((name) => name.startsWith(prefix))
      .map(async (name) => {
        const directory = join(tmpdir(), name)
        if (await isStale(directory))
          await rm(directory, { recursive: true, force: true }).catch(() => undefined)
      }),
  )
}

async function isStale(directory: string): Promise<boolean> {
  try {
    const owner = JSON.parse(await readFile(join(directory, 'owner.json'), 'utf8')) as Owner
    return (await startTicks(owner.pid)) !== owner.startTicks
  } catch {
    return false
  }
}

async function startTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}
