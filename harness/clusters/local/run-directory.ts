import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClusterError } from '../../model/errors.ts'
import { isDead, type Owner, ownerOf } from '../owner.ts'
import { command } from './network/command.ts'

const prefix = 'meshmark-'

/** Longest path of a unix socket (unix(7): 108 bytes with the final NUL). */
const longestSocketPath = 107

/** The longest name of a socket in a run folder. */
const longestSocketName = '/control.sock'

/** An unsigned folder of this age has no owner any more: one that lives signs it at once. */
const abandonedMs = 60_000

/** Where the owner of a run folder signs. */
const ownerFile = 'owner.json'

/** What may be in a run folder without a signature: a half-written one, and what a dying sandbox still made. */
const madeWhileDying: readonly string[] = [ownerFile, 'nodes', 'logs']

/**
 * Makes the folder that holds everything of one run. Only its owner may look into it.
 * @param onMade - told its path at once, before anything is awaited
 * @throws ClusterError 'disk-full' or 'access-denied'
 */
export async function makeRunDirectory(
  runId: string,
  onMade: (directory: string) => void,
): Promise<string> {
  let made: string | undefined
  const owner = JSON.stringify(await ownerOf(process.pid))
  try {
    // why: no turn of the event loop, in which the user could leave or the harness be killed, between making it,
    // telling who removes it and signing it
    made = mkdtempSync(join(tmpdir(), `${prefix}${runId}-`))
    onMade(made)
    writeFileSync(join(made, ownerFile), owner)
  } catch (cause) {
    if (made !== undefined) await rm(made, { recursive: true, force: true })
    throw diskError(cause, tmpdir())
  }
  if (Buffer.byteLength(made + longestSocketName) > longestSocketPath) {
    await rm(made, { recursive: true, force: true })
    throw new ClusterError(
      'access-denied',
      `${made} is too long a path for sockets: ${made.length + longestSocketName.length} bytes, at most ${longestSocketPath}`,
      { hint: 'set TMPDIR to a folder with a shorter path' },
    )
  }
  return made
}

/** An error of writing under a folder, with its cure. */
export function diskError(cause: unknown, where: string): ClusterError {
  const message = cause instanceof Error ? cause.message : String(cause)
  const isFull = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC'
  return new ClusterError(
    isFull ? 'disk-full' : 'access-denied',
    `${where} cannot be written: ${message}`,
    {
      hint: isFull
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

/** The same at once, for a harness that leaves without waiting: what cannot go now goes at the next start. */
export function removeRunDirectoryNow(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  } catch {
    // why: processes that die at this moment may still hold on to it
  }
}

/**
 * Removes the folders of runs whose harness is dead: theirs went down with them, their files may have stayed.
 * @returns those that are gone
 */
export async function removeStaleRunDirectories(): Promise<readonly string[]> {
  const names = await readdir(tmpdir()).catch(() => [])
  const removed = await Promise.all(
    names
      .filter((name) => name.startsWith(prefix))
      .map(async (name) => {
        const directory = join(tmpdir(), name)
        return (await removedIfStale(directory).catch(() => false)) ? [directory] : []
      }),
  )
  return removed.flat()
}

async function removedIfStale(directory: string): Promise<boolean> {
  const owner = await signedBy(directory)
  if (owner !== undefined) return (await isDead(owner)) && (await removedSigned(directory))
  const { mtimeMs } = await stat(directory)
  if (Date.now() - mtimeMs <= abandonedMs) return false
  // why: its harness was killed before it had signed; whatever else bears such a name holds other files and stays
  const isOurs = (await readdir(directory)).every((name) => madeWhileDying.includes(name))
  if (isOurs) await rm(directory, { recursive: true, force: true })
  return isOurs
}

/**
 * Removes a folder with the signature last: a sandbox that is just dying may still put something in, and then the next
 * run tries again.
 */
async function removedSigned(directory: string): Promise<boolean> {
  const remove = (name: string): Promise<void> =>
    rm(join(directory, name), { recursive: true, force: true, maxRetries: 5 })
  const names = await readdir(directory)
  await Promise.all(names.filter((name) => name !== ownerFile).map(remove))
  if ((await readdir(directory)).length > 1) return false
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  return true
}

/** Who signed a run folder; undefined when nobody did, or was killed while doing so. */
async function signedBy(directory: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, ownerFile), 'utf8')) as Owner
  } catch {
    return undefined
  }
}
