import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { $ } from 'zx'
import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError } from '../../model/errors.ts'
import { type ImageContents, stage } from './stage.ts'

/** Build contexts bear this and the process id of who made them, so that those of the dead can be told. */
const contextPrefix = 'meshmark-image-'

/** Characters of the content's hash that a tag bears. */
const tagCharacters = 12

/** Characters of a failed build that an error quotes. */
const quotedCharacters = 2_000

export interface BuildOptions extends AbortOptions {
  readonly progress?: (line: string) => void
}

export interface BuiltImage {
  /** `name:tag`; the tag is the hash of the contents. */
  readonly reference: string
  /** False when an image of the same contents was there. */
  readonly isNew: boolean
}

/**
 * Builds an image once per content: its tag is the hash of everything that goes in. Nothing is pulled but what the
 * Dockerfile's FROM names and is not there.
 * @throws ClusterError 'tool-missing' without docker, 'disk-full', 'provision-failed' with the build's last words
 */
export async function buildImage(
  name: string,
  contents: ImageContents,
  { signal, progress }: BuildOptions,
): Promise<BuiltImage> {
  signal.throwIfAborted()
  const context = await newContext()
  try {
    const reference = tagged(name, await stage(contents, context))
    const run = $({ nothrow: true, quiet: true, signal })
    if ((await run`docker image inspect ${reference}`).exitCode === 0)
      return { reference, isNew: false }
    progress?.(`building the image ${reference}`)
    const { exitCode, stdout, stderr } = await run`docker build --tag ${reference} ${context}`
    signal.throwIfAborted()
    if (exitCode !== 0) throw buildError(name, `${stdout}\n${stderr}`)
    return { reference, isNew: true }
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

/** What an image of these contents is called, whether or not it was built. */
export async function nameOfImage(name: string, contents: ImageContents): Promise<string> {
  const context = await newContext()
  try {
    return tagged(name, await stage(contents, context))
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

function newContext(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${contextPrefix}${process.pid}-`))
}

function tagged(name: string, hash: string): string {
  return `${name}:${hash.slice(0, tagCharacters)}`
}

/** Removes the build contexts of processes that are gone. */
export async function removeStaleContexts(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => [])
  const stale = names.filter((name) => {
    const [, pid] = new RegExp(`^${contextPrefix}(\\d+)-`).exec(name) ?? []
    return pid !== undefined && !existsSync(`/proc/${pid}`)
  })
  await Promise.all(stale.map((name) => rm(join(tmpdir(), name), { recursive: true, force: true })))
}

function buildError(name: string, said: string): ClusterError {
  const [code, hint] = /no space left on device/.test(said)
    ? (['disk-full', 'free some space where Docker keeps its data: docker system prune'] as const)
    : /command not found|Cannot connect to the Docker daemon/.test(said)
      ? (['tool-missing', 'install and start Docker, or use --provider local'] as const)
      : (['provision-failed', 'is its base image here? docker images; docker pull it'] as const)
  const quoted = said.trim().slice(-quotedCharacters)
  return new ClusterError(code, `docker build of ${name} failed: ${quoted}`, { hint })
}
