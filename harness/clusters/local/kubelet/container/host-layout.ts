import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** What a container's root file system is made of: the machine's own folders, as they lie below `/`. */
export interface HostLayout {
  /** Symbolic links below `/`, e.g. `bin -> usr/bin`. */
  readonly links: readonly { readonly name: string; readonly target: string }[]
  /** Folders that a container may write to, for itself alone (an overlay). */
  readonly overlaid: readonly { readonly name: string; readonly mode: number }[]
  /** Folders that are only shown. */
  readonly shown: readonly string[]
  /** File systems mounted below those folders, which an overlay or a bind would miss or leave writable. */
  readonly inner: readonly string[]
  /** `nosuid,nodev` and the like of the file system at a path; a user namespace may not take them off. */
  flagsAt(path: string): string
}

const writable = [
  ...['etc', 'usr', 'var', 'opt', 'srv', 'home', 'root', 'mnt', 'media'],
  ...['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'],
]

/** Made anew in every container, or of no use to one. */
const own = ['proc', 'sys', 'dev', 'tmp', 'run', 'lost+found']

/** Folders whose inner file systems belong to other programs (container runtimes, the node's own resolv.conf). */
const opaque = ['etc', 'var', ...own]

let known: HostLayout | undefined

/** Looks at the machine once. */
export function hostLayout(): HostLayout {
  known ??= examine(readFileSync('/proc/self/mountinfo', 'utf8'))
  return known
}

function examine(mountInfo: string): HostLayout {
  const mounts = new Map<string, string>()
  for (const line of mountInfo.split('\n')) {
    const [, , , , at, flags] = line.split(' ')
    if (at !== undefined && flags !== undefined) mounts.set(unescape(at), lockable(flags))
  }
  const entries = readdirSync('/', { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory() && !own.includes(entry.name))
  return {
    links: entries
      .filter((entry) => entry.isSymbolicLink())
      .map(({ name }) => ({ name, target: readlinkSync(join('/', name)) })),
    overlaid: folders
      .filter(({ name }) => writable.includes(name))
      .map(({ name }) => ({ name, mode: lstatSync(join('/', name)).mode & 0o7777 })),
    shown: folders.filter(({ name }) => !writable.includes(name)).map(({ name }) => name),
    inner: [...mounts.keys()].filter((path) => {
      const [, top = '', ...rest] = path.split('/')
      return rest.length > 0 && !opaque.includes(top)
    }),
    flagsAt: (path) => {
      for (let at = path; at !== '' && at !== '/'; at = at.slice(0, at.lastIndexOf('/'))) {
        const flags = mounts.get(at)
        if (flags !== undefined) return flags
      }
      return mounts.get('/') ?? ''
    },
  }
}

function lockable(flags: string): string {
  return flags
    .split(',')
    .filter((flag) => ['nosuid', 'nodev', 'noexec'].includes(flag))
    .join(',')
}

/** /proc/self/mountinfo writes blanks as `\040`. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(parseInt(octal, 8)),
  )
}
