import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expand } from '../pod/env.ts'
import type { ContainerSpec } from '../pod/pod.ts'
import type { PlacedVolume } from '../pod/volumes.ts'
import type { Mount } from './root-fs.ts'

/**
 * Where a container's volumes are mounted, outer folders before inner ones.
 * @throws Error in the real kubelet's words
 */
export function mountsOf(
  { volumeMounts = [] }: ContainerSpec,
  volumes: ReadonlyMap<string, PlacedVolume>,
  env: Readonly<Record<string, string>>,
): readonly Mount[] {
  const mounts = volumeMounts
    .map(({ name, mountPath, subPath, subPathExpr, readOnly = false }) => {
      const volume = volumes.get(name)
      if (volume === undefined) throw new Error(`volume "${name}" of ${mountPath} is not known`)
      const inner = subPathExpr === undefined ? subPath : expand(subPathExpr, env)
      return {
        source: inner === undefined ? volume.source : subPathOf(volume, inner),
        target: mountPath,
        readOnly: readOnly || volume.readOnly,
      }
    })
    .sort((a, b) => a.target.split('/').length - b.target.split('/').length)
  makeNestedPlaces(mounts, new Set([...volumes.values()].flatMap(writtenSource)))
  return mounts
}

function writtenSource({ source, isWritten = false }: PlacedVolume): readonly string[] {
  return isWritten ? [source] : []
}

/** Nobody can make a place inside a read-only mount later on (in the real kubelet: MakeNestedMountpoints). */
function makeNestedPlaces(mounts: readonly Mount[], written: ReadonlySet<string>): void {
  for (const outer of mounts.filter(({ source }) => written.has(source)))
    for (const inner of mounts) {
      const path = relative(outer.target, inner.target)
      if (path === '' || path.startsWith('..')) continue
      const place = join(outer.source, path)
      if (existsSync(place)) continue
      mkdirSync(statSync(inner.source).isDirectory() ? place : dirname(place), { recursive: true })
      if (!existsSync(place)) writeFileSync(place, '')
    }
}

function subPathOf({ source, readOnly }: PlacedVolume, inner: string): string {
  if (inner.startsWith('/') || inner.split('/').includes('..'))
    throw new Error(`subPath "${inner}" must be a relative path without ".."`)
  const path = join(source, inner)
  if (!existsSync(path) && !readOnly) mkdirSync(path, { recursive: true })
  if (!existsSync(path)) throw new Error(`failed to prepare subPath for volumeMount: no ${inner}`)
  return path
}
