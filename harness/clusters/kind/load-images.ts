import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError } from '../../model/errors.ts'
import { ended, kindCli, output } from './cli.ts'

/** How long containerd of a node that was just started may take to answer. */
const containerdMs = 60_000

export interface LoadInit {
  /** Name of the kind cluster. */
  readonly name: string
  readonly containers: readonly string[]
  /** Where the archive lies for a moment. */
  readonly directory: string
}

/** Gives images to the nodes that lack them; each is read from Docker once. */
export async function loadImages(
  { name, containers, directory }: LoadInit,
  references: readonly string[],
  options: AbortOptions,
): Promise<void> {
  const missing = new Map<string, readonly string[]>()
  await Promise.all(
    containers.map(async (container) => {
      const has = new Set(await imagesOf(container, options))
      const lacks = references.filter((reference) => !has.has(canonical(reference)))
      if (lacks.length > 0) missing.set(container, lacks)
    }),
  )
  const wanted = [...new Set([...missing.values()].flat())]
  if (wanted.length === 0) return
  const archive = join(directory, `images-${crypto.randomUUID()}.tar`)
  try {
    await output(['docker', 'save', '--output', archive, ...wanted], options)
    await kindCli.loadArchive(name, [...missing.keys()], archive, options)
  } finally {
    await rm(archive, { force: true })
  }
}

/** Resolves when containerd answers in every node; they may be just starting. @throws ClusterError 'not-ready' */
export async function containerdAnswers(
  containers: readonly string[],
  { signal }: AbortOptions,
): Promise<void> {
  const deadline = performance.now() + containerdMs
  for (const container of containers)
    for (;;) {
      const { exitCode, stderr } = await ended(['docker', 'exec', container, 'ctr', 'version'], {
        signal,
      })
      if (exitCode === 0) break
      if (performance.now() > deadline)
        throw new ClusterError(
          'not-ready',
          `containerd of ${container} does not answer after ${containerdMs / 1_000} s: ${stderr}`,
        )
      await delay(200, undefined, { signal })
    }
}

async function imagesOf(container: string, options: AbortOptions): Promise<readonly string[]> {
  const list = ['ctr', '--namespace', 'k8s.io', 'images', 'ls', '--quiet']
  return (await output(['docker', 'exec', container, ...list], options)).split('\n')
}

/** `nginx:1.22` as containerd calls it: docker.io/library/nginx:1.22. */
export function canonical(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  const withTag = /:[^/]*$/.test(reference) ? reference : `${reference}:latest`
  if (rest.length === 0) return `docker.io/library/${withTag}`
  return /[.:]|^localhost$/.test(first) ? withTag : `docker.io/${withTag}`
}
