import { chmod, copyFile, mkdir, realpath, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../../network/command.ts'
import { type KubeletConfig, nodeFolder, scratchFolder } from '../config.ts'

/** Where a hostPath volume lies. */
export interface HostPath {
  readonly source: string
  /** Nothing could be put between it and the machine: it is only shown. */
  readonly readOnly: boolean
}

export type HostPaths = (path: string, type: string) => Promise<HostPath>

/** The node's own files: what is written there stays in the node anyway. */
const privatePlaces = ['/etc/resolv.conf', '/etc/hosts', '/etc/hostname', '/tmp']

/** The kernel's: a pod that mounts them means them. */
const kernelPlaces = ['/proc', '/sys', '/dev']

/**
 * Finds the node's file or folder that a hostPath volume names. A node of provider local shows the machine's files, and
 * a pod must never change those: folders are put under an overlay, files are copied, both once per node, so that all
 * pods of the node share what they write. /etc/resolv.conf, /etc/hosts and /tmp are the node's own and mounted as they
 * are; /run is the node's own as well, and empty at first.
 */
export function hostPaths(config: KubeletConfig): HostPaths {
  const known = new Map<string, Promise<HostPath>>()
  return async (path, type) => {
    const clean = join('/', path).replace(/(.)\/$/, '$1')
    if ([...privatePlaces, ...kernelPlaces].some((place) => isWithin(clean, place)))
      return { source: await existing(clean, type), readOnly: false }
    if (isWithin(clean, '/run') || isWithin(clean, '/var/run'))
      return { source: await ownRun(clean, type, config), readOnly: false }
    if (clean === '/') return { source: '/', readOnly: true }
    const found = known.get(clean) ?? shadow(clean, type, config)
    known.set(clean, found)
    found.catch(() => known.delete(clean))
    return found
  }
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`)
}

type Kind = 'directory' | 'file' | 'none'

async function kindOf(path: string): Promise<Kind> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return 'none'
  return found.isDirectory() ? 'directory' : 'file'
}

/** Makes what the type allows to make. @throws Error in the real kubelet's words */
async function existing(path: string, type: string): Promise<string> {
  const kind = await kindOf(path)
  const wants = type.startsWith('Directory') ? 'directory' : type === '' ? kind : 'file'
  if (kind === 'none') {
    if (type === 'DirectoryOrCreate' || type === '') await mkdir(path, { recursive: true })
    else if (type === 'FileOrCreate') await writeFile(path, '', { flag: 'a' })
    else throw typeError(path, wants)
  } else if (kind !== wants) throw typeError(path, wants)
  return realpath(path)
}

function typeError(path: string, wanted: string): Error {
  return new Error(`hostPath type check failed: ${path} is not a ${wanted}`)
}

async function ownRun(path: string, type: string, config: KubeletConfig): Promise<string> {
  const own = join(nodeFolder(config), 'run', path.replace(/^(\/var)?\/run/, ''))
  await mkdir(join(own, '..'), { recursive: true })
  return existing(own, type)
}

async function shadow(path: string, type: string, config: KubeletConfig): Promise<HostPath> {
  const folder = join(scratchFolder(config), 'host-path', path.slice(1).replaceAll('/', '_'))
  await mkdir(folder, { recursive: true })
  const kind = await kindOf(path)
  if (kind === 'none')
    return { source: await existing(join(folder, 'made'), type), readOnly: false }
  const real = await existing(path, type)
  if (kind === 'directory') return overlay(real, folder)
  const copy = join(folder, 'copy')
  await copyFile(real, copy)
  await chmod(copy, (await stat(real)).mode)
  return { source: copy, readOnly: false }
}

async function overlay(real: string, folder: string): Promise<HostPath> {
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((part) => join(folder, part)) as [
    string,
    string,
    string,
  ]
  for (const part of [upper, work, merged]) await mkdir(part)
  await chmod(upper, (await stat(real)).mode)
  try {
    const options = `lowerdir=${real},upperdir=${upper},workdir=${work}`
    await command(['mount', '-t', 'overlay', 'overlay', '-o', options, merged])
  } catch {
    return { source: real, readOnly: true }
  }
  if (real === '/etc')
    for (const file of ['resolv.conf', 'hosts', 'hostname'])
      await command(['mount', '--bind', join('/etc', file), join(merged, file)])
  return { source: merged, readOnly: false }
}
