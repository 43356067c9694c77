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
    await baseIsThere(name, contents.dockerfile, { signal })
    progress?.(`building the image ${reference}`)
    const { exitCode, stdout, stderr } = await run`docker build --tag ${reference} ${context}`
    signal.throwIfAborted()
    if (exitCode !== 0) throw buildError(name, `${stdout}\n${stderr}`)
    await removeOldTags(name, { signal })
    return { reference, isNew: true }
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

/** Images of ours whose contents have changed since; so many are left, the newest. */
const keptTags = 4

/** Best effort: one that a container uses stays, and so does everything where Docker refuses. */
async function removeOldTags(name: string, { signal }: AbortOptions): Promise<void> {
  const run = $({ nothrow: true, quiet: true, signal })
  // why: docker lists the newest first
  const { stdout } = await run`docker image ls --format ${'{{.Repository}}:{{.Tag}}'} ${name}`
  for (const old of stdout.trim().split('\n').slice(keptTags)) await run`docker image rm ${old}`
  signal.throwIfAborted()
}

/**
 * Docker would pull it, and nothing is pulled during a run.
 * @throws ClusterError 'provision-failed' naming the image, and how to get it
 */
async function baseIsThere(
  name: string,
  dockerfile: string,
  { signal }: AbortOptions,
): Promise<void> {
  const base = baseOf(dockerfile)
  if (base === undefined) return
  const run = $({ nothrow: true, quiet: true, signal })
  const { exitCode, stderr } = await run`docker image inspect --format ${'{{.Id}}'} ${base}`
  signal.throwIfAborted()
  if (exitCode === 0) return
  if (!/no such (image|object)/i.test(stderr)) throw buildError(name, stderr)
  throw new ClusterError('provision-failed', `${name} is built on ${base}, which Docker has not`, {
    hint: `docker pull ${base} (or meshmark doctor --install), or name another one: --base-image`,
  })
}

/** What the first FROM of a Dockerfile names, ARGs before it put in; undefined for `scratch`. */
export function baseOf(dockerfile: string): string | undefined {
  const [head = '', from = ''] = /^([^]*?)^FROM\s+(\S+)/m.exec(dockerfile)?.slice(1) ?? []
  const args = new Map(
    [...head.matchAll(/^ARG\s+(\w+)=(\S+)/gm)].map(([, key = '', value = '']) => [key, value]),
  )
  const base = from.replace(/\$\{?(\w+)\}?/g, (_, key: string) => args.get(key) ?? '')
  return base === '' || base === 'scratch' ? undefined : base
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
      : ([
          'provision-failed',
          'see what the build said; it runs apt-get inside, which needs a way to the mirrors',
        ] as const)
  const quoted = said.trim().slice(-quotedCharacters)
  return new ClusterError(code, `docker build of ${name} failed: ${quoted}`, { hint })
}
