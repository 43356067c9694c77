import { existsSync, mkdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { command } from '../network/command.ts'
import { insideDirectory, keptDirectory, type SandboxConfig } from './config.ts'

/** Files of /etc of which every node has its own. */
export const ownFiles = ['resolv.conf', 'hosts', 'hostname'] as const

/** How many symbolic links one name may lead through (as the kernel's own limit). */
const longestLinkChain = 40

/**
 * Gives the sandbox a /run of its own, and makes the run folder reachable in it under one name that nothing is mounted
 * over. A package that lies below /tmp is kept reachable as well.
 */
export async function mountRun({ runDirectory, packageDirectory }: SandboxConfig): Promise<void> {
  const kept = keptOf(packageDirectory)
  // why: the run folder may itself lie below /run, which is about to be covered; where we stand stays reachable
  const script = `set -e
cd "$1"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p ${insideDirectory} ${keptDirectory}
mount --no-canonicalize --bind . ${insideDirectory}
[ -z "$2" ] || mount --bind "$2" ${keptDirectory}`
  await command(['sh', '-c', script, 'sh', runDirectory, kept ?? ''])
  if (kept !== undefined) writeFileSync(join(insideDirectory, 'kept-folder'), kept)
  for (const folder of ['logs', 'nodes', 'pki'])
    mkdirSync(join(insideDirectory, folder), { recursive: true })
}

/** The folder below /tmp, if any, that nodes have to go on seeing: our programs or Node.js lie in it. */
export function keptOf(packageDirectory: string): string | undefined {
  return keptFolder([packageDirectory, realpathSync(process.execPath)])
}

/**
 * The folder directly below /tmp that holds the package, if it lies there.
 * @throws Error when the paths lie in two such folders: only one is kept
 */
export function keptFolder(paths: readonly string[]): string | undefined {
  const found = new Set(
    paths.flatMap((path) => {
      const [, below] = /^\/tmp\/([^/]+)/.exec(path) ?? []
      return below === undefined ? [] : [join('/tmp', below)]
    }),
  )
  if (found.size > 1)
    throw new Error(
      `meshmark and Node.js lie in different folders below /tmp (${[...found].join(', ')}), which nodes cannot both see; move one of them`,
    )
  const [kept] = found
  return kept
}

/**
 * Makes sure that there is a file to mount over for each of a node's own files, and gives their real paths. What is
 * missing on this machine (minimal containers have no /etc/hostname) is made in an overlay of /etc that only the
 * sandbox sees; what would lie in /run is made by each node in its own.
 */
export async function placesOfOwnFiles(): Promise<readonly string[]> {
  const places = ownFiles.map((file) => followLinks(join('/etc', file)))
  const missing = places.filter((place) => !place.startsWith('/run/') && !existsSync(place))
  if (missing.length === 0) return places
  await command([
    'sh',
    '-c',
    `set -e
mkdir -p /run/meshmark-etc/upper /run/meshmark-etc/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/meshmark-etc/upper,workdir=/run/meshmark-etc/work /etc`,
  ])
  for (const place of missing) {
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(place, '')
  }
  return places
}

/** Where a name leads to, whether or not something is there. */
export function followLinks(path: string): string {
  let at = path
  for (let step = 0; step < longestLinkChain; step += 1) {
    try {
      return realpathSync(at)
    } catch {
      const next = linkTarget(at)
      if (next === undefined) return inRealFolder(at)
      at = resolve(dirname(at), next)
    }
  }
  return at
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** `/var/run/x` is `/run/x` where /var/run is a link. */
function inRealFolder(path: string): string {
  const folder = dirname(path)
  return folder === path ? path : join(followLinks(folder), path.slice(folder.length))
}
