import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AbortOptions } from '../../../model/abort.ts'
import type { KubeClient } from '../../../model/kubernetes.ts'
import { fieldValue, type PodFacts } from './field-path.ts'
import type { DownwardItem, Pod, ProjectedSource, Volume } from './pod.ts'
import { select, type Sources } from './sources.ts'

export interface VolumeInit {
  readonly pod: Pod
  readonly facts: PodFacts
  readonly from: Sources
  readonly kube: KubeClient
  /** Folder in which this pod's volumes are made. */
  readonly folder: string
}

/** Makes a pod's volumes. Gives where each lies on the node: files or folders to be mounted. */
export async function makeVolumes(
  init: VolumeInit,
  options: AbortOptions,
): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>()
  for (const volume of init.pod.spec.volumes ?? [])
    places.set(volume.name, await make(volume, init, options))
  return places
}

async function make(volume: Volume, init: VolumeInit, options: AbortOptions): Promise<string> {
  if (volume.hostPath !== undefined) return hostPath(volume.hostPath)
  const folder = join(init.folder, volume.name)
  await mkdir(folder, { recursive: true })
  if (volume.emptyDir !== undefined) {
    await chmod(folder, 0o777)
    return folder
  }
  for (const [path, content] of await contentOf(volume, init, options)) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }
  return folder
}

async function hostPath({ path, type = '' }: NonNullable<Volume['hostPath']>): Promise<string> {
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true })
  if (type === 'FileOrCreate') await writeFile(path, '', { flag: 'a' })
  return path
}

async function contentOf(
  volume: Volume,
  { pod, facts, from, kube }: VolumeInit,
  options: AbortOptions,
): Promise<ReadonlyMap<string, Buffer>> {
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap !== undefined)
    return select(
      await from.configMap(configMap.name, configMap.optional ?? false, options),
      configMap.items,
    )
  if (secret !== undefined)
    return select(
      await from.secret(secret.secretName, secret.optional ?? false, options),
      secret.items,
    )
  if (downwardAPI !== undefined) return downward(downwardAPI.items, pod, facts)
  if (projected === undefined)
    throw new Error(
      `volume "${volume.name}": provider local has emptyDir, hostPath, configMap, secret, downwardAPI and projected volumes only`,
    )
  const all = new Map<string, Buffer>()
  for (const source of projected.sources)
    for (const [path, content] of await projectedSource(source, pod, facts, from, kube, options))
      all.set(path, content)
  return all
}

async function projectedSource(
  { configMap, secret, downwardAPI, serviceAccountToken }: ProjectedSource,
  pod: Pod,
  facts: PodFacts,
  from: Sources,
  kube: KubeClient,
  options: AbortOptions,
): Promise<ReadonlyMap<string, Buffer>> {
  if (configMap !== undefined)
    return select(
      await from.configMap(configMap.name, configMap.optional ?? false, options),
      configMap.items,
    )
  if (secret !== undefined)
    return select(await from.secret(secret.name, secret.optional ?? false, options), secret.items)
  if (downwardAPI !== undefined) return downward(downwardAPI.items, pod, facts)
  if (serviceAccountToken === undefined) return new Map()
  const token = await issueToken(kube, pod, serviceAccountToken.audience, options)
  return new Map([[serviceAccountToken.path, Buffer.from(token)]])
}

function downward(
  items: readonly DownwardItem[],
  pod: Pod,
  facts: PodFacts,
): ReadonlyMap<string, Buffer> {
  return new Map(
    items.map(({ path, fieldRef }) => [
      path,
      Buffer.from(fieldValue(pod, fieldRef?.fieldPath ?? '', facts)),
    ]),
  )
}

/** Asks the API for a token of the pod's ServiceAccount (TokenRequest). */
async function issueToken(
  kube: KubeClient,
  pod: Pod,
  audience: string | undefined,
  options: AbortOptions,
): Promise<string> {
  const { namespace, name, uid } = pod.metadata
  const account = pod.spec.serviceAccountName ?? 'default'
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: audience === undefined ? [] : [audience],
      expirationSeconds: 86_400,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  }
  const answer = await kube.request('POST', path, { ...options, body })
  if (answer.status >= 300)
    throw new Error(
      `no token for serviceaccount "${account}": HTTP ${answer.status} ${answer.body}`,
    )
  const { status } = JSON.parse(answer.body) as { status?: { token?: string } }
  if (status?.token === undefined)
    throw new Error(`the API gave no token for serviceaccount "${account}"`)
  return status.token
}
