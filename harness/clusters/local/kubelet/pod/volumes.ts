import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AbortOptions } from '../../../../model/abort.ts'
import type { KubeClient } from '../../../../model/kubernetes.ts'
import { fieldValue, type PodFacts } from './field-path.ts'
import type { HostPaths } from './host-path.ts'
import type { DownwardItem, Pod, ProjectedSource, Volume } from './pod.ts'
import { select, type Sources } from './sources.ts'
import { issueToken } from './token.ts'

export interface VolumeInit {
  readonly pod: Pod
  readonly facts: PodFacts
  readonly from: Sources
  readonly kube: KubeClient
  readonly hostPaths: HostPaths
  /** Folder in which this pod's volumes are made. */
  readonly folder: string
  /** Folder in memory for `medium: Memory`. */
  readonly memoryFolder: string
}

/** Where a volume lies on the node: a file or folder to be mounted. */
export interface PlacedVolume {
  readonly source: string
  /** Nobody may write to it, whatever a volumeMount says. */
  readonly readOnly: boolean
  /** The kubelet wrote it, so it may make places in it on which other volumes are mounted. */
  readonly isWritten?: boolean
}

/** Content of a file and its permissions. */
type Content = ReadonlyMap<string, { readonly data: Buffer; readonly mode?: number }>

const usualMode = 0o644

/**
 * Makes a pod's volumes.
 * @throws Error in the real kubelet's words, naming the volume
 */
export async function makeVolumes(
  init: VolumeInit,
  options: AbortOptions,
): Promise<ReadonlyMap<string, PlacedVolume>> {
  const { volumes = [] } = init.pod.spec
  const placed = await Promise.all(
    volumes.map(async (volume) => {
      try {
        return [volume.name, await make(volume, init, options)] as const
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        throw new Error(`MountVolume.SetUp failed for volume "${volume.name}" : ${why}`, {
          cause: error,
        })
      }
    }),
  )
  return new Map(placed)
}

async function make(
  volume: Volume,
  init: VolumeInit,
  options: AbortOptions,
): Promise<PlacedVolume> {
  const { hostPath, emptyDir } = volume
  if (hostPath !== undefined) return init.hostPaths(hostPath.path, hostPath.type ?? '')
  const parent = emptyDir?.medium === 'Memory' ? init.memoryFolder : init.folder
  const folder = join(parent, volume.name)
  if (emptyDir === undefined)
    return writeAll(folder, await contentOf(volume, init, options), volume)
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o777)
  return { source: folder, readOnly: false }
}

async function writeAll(folder: string, content: Content, volume: Volume): Promise<PlacedVolume> {
  const { defaultMode = usualMode } = volume.configMap ?? volume.secret ?? volume.projected ?? {}
  // why: a try before this one may have left half of it
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const [path, { data, mode }] of content) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, data)
    await chmod(file, mode ?? defaultMode)
  }
  return { source: folder, readOnly: true, isWritten: true }
}

async function contentOf(
  volume: Volume,
  init: VolumeInit,
  options: AbortOptions,
): Promise<Content> {
  const { name, configMap, secret, downwardAPI, projected } = volume
  if (configMap !== undefined) return projectedContent({ configMap }, init, options)
  if (secret !== undefined)
    return projectedContent({ secret: { ...secret, name: secret.secretName } }, init, options)
  if (downwardAPI !== undefined) return projectedContent({ downwardAPI }, init, options)
  if (projected === undefined)
    throw new Error(
      `provider local has emptyDir, hostPath, configMap, secret, downwardAPI and projected volumes, not ${Object.keys(
        volume,
      )
        .filter((key) => key !== 'name')
        .join(', ')} (volume ${name})`,
    )
  const parts = await Promise.all(
    projected.sources.map((source) => projectedContent(source, init, options)),
  )
  return new Map(parts.flatMap((part) => [...part]))
}

async function projectedContent(
  { configMap, secret, downwardAPI, serviceAccountToken }: ProjectedSource,
  { pod, facts, from, kube }: VolumeInit,
  options: AbortOptions,
): Promise<Content> {
  if (configMap !== undefined)
    return select(
      await from.configMap(configMap.name, configMap.optional ?? false, options),
      configMap,
    )
  if (secret !== undefined)
    return select(await from.secret(secret.name, secret.optional ?? false, options), secret)
  if (downwardAPI !== undefined) return downward(downwardAPI.items, pod, facts)
  if (serviceAccountToken === undefined) return new Map()
  const token = await issueToken(kube, pod, serviceAccountToken.audience, options)
  return new Map([[serviceAccountToken.path, { data: Buffer.from(token) }]])
}

function downward(items: readonly DownwardItem[], pod: Pod, facts: PodFacts): Content {
  return new Map(
    items.map(({ path, fieldRef }) => [
      path,
      { data: Buffer.from(fieldValue(pod, fieldRef?.fieldPath ?? '', facts)) },
    ]),
  )
}
