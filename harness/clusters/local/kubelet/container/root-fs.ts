import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { hostLayout } from './host-layout.ts'
import { makeMountPoint } from './mount-point.ts'

/** A file or folder of the node that is mounted into a container. */
export interface Mount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

export interface RootFsInit {
  /** An empty folder of this run of the container, on a file system that an overlay can write to. */
  readonly folder: string
  /** Folder with resolv.conf, hosts and hostname. */
  readonly podFolder: string
  readonly mounts: readonly Mount[]
  /** May write to /proc/sys and /sys. */
  readonly privileged: boolean
  /** Folder of the sandbox' run. */
  readonly runDir: string
}

/** A container's root file system, ready to be entered by `enterScript`. */
export interface RootFs {
  readonly folder: string
  /** Reads a file that the container has written, or undefined. */
  read(path: string): string | undefined
}

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'net/tun', 'fuse']

/** The files that the kubelet writes for a pod. */
const podFiles = ['resolv.conf', 'hosts', 'hostname']

/**
 * Prepares the root file system of one run of a container: the machine's folders under overlays, so that what the
 * container writes stays its own and is gone with it, and proc, sys, dev, tmp, run of its own. Writes mount tables:
 * `fstab` for before, `volumes.<nn>` for after the change of the root.
 */
export function prepareRootFs(init: RootFsInit): RootFs {
  const { folder } = init
  const root = join(folder, 'root')
  const layout = hostLayout()
  for (const path of ['.node', 'proc', 'sys', 'dev/pts', 'dev/shm', 'tmp', 'run/lock'])
    mkdirSync(join(root, path), { recursive: true })
  for (const path of ['tmp', 'dev/shm', 'run/lock']) chmodSync(join(root, path), 0o1777)
  for (const { name, target } of layout.links) symlinkSync(target, join(root, name))
  for (const { name, mode } of layout.overlaid) {
    mkdirSync(join(root, name))
    for (const part of ['upper', 'work'])
      mkdirSync(join(folder, part, name), { recursive: true, mode })
    chmodSync(join(folder, 'upper', name), mode)
  }
  for (const name of layout.shown) mkdirSync(join(root, name))
  if (existsSync(join(folder, 'upper/etc')))
    for (const file of podFiles)
      copyFileSync(join(init.podFolder, file), join(folder, 'upper/etc', file))
  for (const { source, target } of init.mounts)
    if (statSync(source).isDirectory() && !existsSync(absolute(target)))
      makeMountPoint(join(folder, 'upper'), absolute(target))
  for (const path of ['log', 'var-tmp']) mkdirSync(join(folder, path))
  chmodSync(join(folder, 'var-tmp'), 0o1777)
  const present = makeDev(join(root, 'dev'))
  writeFileSync(join(folder, 'overlaid'), layout.overlaid.map(({ name }) => name).join('\n'))
  writeFileSync(join(folder, 'fstab'), firstTable(init, root, present))
  for (const [index, group] of layers(init.mounts).entries()) {
    const name = `volumes.${String(index).padStart(2, '0')}`
    writeFileSync(join(folder, name), group.map(volumeLine).join(''))
    writeFileSync(join(folder, `${name}.sh`), group.map(placeLine).join('\n'))
  }
  return {
    folder,
    read: (path) => {
      const [, top = '', ...rest] = path.split('/')
      for (const place of [join(root, path), join(folder, 'upper', top, ...rest)])
        if (existsSync(place)) return readFileSync(place, 'utf8')
      return undefined
    },
  }
}

function makeDev(dev: string): readonly string[] {
  for (const [name, target] of [
    ['fd', '/proc/self/fd'],
    ['stdin', '/proc/self/fd/0'],
    ['stdout', '/proc/self/fd/1'],
    ['stderr', '/proc/self/fd/2'],
    ['ptmx', 'pts/ptmx'],
  ] as const)
    symlinkSync(target, join(dev, name))
  const present = devices.filter((name) => existsSync(join('/dev', name)))
  for (const name of present) {
    mkdirSync(dirname(join(dev, name)), { recursive: true })
    writeFileSync(join(dev, name), '')
  }
  writeFileSync(join(dev, 'termination-log'), '')
  return present
}

function firstTable(
  { folder, privileged, runDir }: RootFsInit,
  root: string,
  present: readonly string[],
): string {
  const layout = hostLayout()
  const bind = (source: string, target: string, options: string): string =>
    line(source, join(root, target), 'none', options)
  const readOnly = (path: string): string => flags('rbind,ro', layout.flagsAt(path))
  const access = privileged ? 'rw' : 'ro'
  return [
    line(root, root, 'none', 'bind'),
    ...layout.overlaid.map(({ name }) => {
      const [upper, work] = [join(folder, 'upper', name), join(folder, 'work', name)]
      const options = `lowerdir=/${name},upperdir=${upper},workdir=${work}`
      return line('overlay', join(root, name), 'overlay', options)
    }),
    ...layout.shown.map((name) => bind(join('/', name), name, readOnly(`/${name}`))),
    ...layout.inner.map((path) => bind(path, path, readOnly(path))),
    ...keptFolder(root, runDir).map(([source, path]) => bind(source, path, 'rbind,ro')),
    bind(join(folder, 'log'), 'var/log', 'bind'),
    bind(join(folder, 'var-tmp'), 'var/tmp', 'bind'),
    line('proc', join(root, 'proc'), 'proc', 'nosuid,nodev,noexec'),
    ...(privileged ? [] : [bind(join(root, 'proc/sys'), 'proc/sys', 'bind,ro')]),
    line('sysfs', join(root, 'sys'), 'sysfs', `${access},nosuid,nodev,noexec`),
    line('devpts', join(root, 'dev/pts'), 'devpts', 'newinstance,ptmxmode=0666,mode=620'),
    ...present.map((name) => bind(join('/dev', name), join('dev', name), 'bind')),
  ].join('')
}

/** A package below /tmp stays reachable there, although every container has its own /tmp (sandbox/main.ts). */
function keptFolder(root: string, runDir: string): readonly (readonly [string, string])[] {
  const note = join(runDir, 'kept-folder')
  if (!existsSync(note)) return []
  const path = readFileSync(note, 'utf8')
  mkdirSync(join(root, path), { recursive: true })
  return [['/run/meshmark-kept', path]]
}

/** Groups of mounts: what lies inside another mount comes in a later group, when the place for it can be made. */
function layers(mounts: readonly Mount[]): readonly (readonly Mount[])[] {
  const groups: Mount[][] = []
  const holds = (outer: Mount, inner: Mount): boolean =>
    absolute(inner.target).startsWith(`${absolute(outer.target)}/`)
  for (const mount of mounts) {
    const at = groups.findLastIndex((group) => group.some((other) => holds(other, mount))) + 1
    const group = groups[at]
    if (group === undefined) groups.push([mount])
    else group.push(mount)
  }
  return groups
}

function volumeLine({ source, target, readOnly }: Mount): string {
  const options = flags(readOnly ? 'rbind,ro' : 'rbind', hostLayout().flagsAt(source))
  return line(join('/.node', source), absolute(target), 'none', readOnly ? options : 'rbind')
}

/** Makes the place that something is mounted on, where the image has none. */
function placeLine({ source, target }: Mount): string {
  const place = quote(absolute(target))
  if (statSync(source).isDirectory()) return `[ -d ${place} ] || mkdir -p ${place}`
  return `[ -e ${place} ] || { mkdir -p ${quote(dirname(absolute(target)))} && : > ${place}; }`
}

function absolute(path: string): string {
  return join('/', path)
}

function flags(...lists: readonly string[]): string {
  return lists.filter((list) => list !== '').join(',')
}

function line(source: string, target: string, type: string, options: string): string {
  return `${escape(source)} ${escape(target)} ${type} ${escape(options)} 0 0\n`
}

/** fstab(5): blanks as octal. */
function escape(path: string): string {
  return path.replace(/[\\\s#]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
  })
}

/** A word of the shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
