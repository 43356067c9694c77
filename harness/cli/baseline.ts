import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { UsageError } from '../model/errors.ts'
import type { Target } from '../model/target.ts'
import { agentProgram } from '../targets/reference/program.ts'
import { reference } from '../targets/reference/target.ts'
import { targetNamed } from './adapters.ts'
import type { RunFlags } from './options.ts'
import { stderr } from './output.ts'
import { packageDirectory, versionOf } from './package.ts'
import { isSameFile, isSameImage } from './same-program.ts'

const run = promisify(execFile)

/** What a candidate is compared with. */
export interface Baseline {
  readonly target: Target
  /** It is known to be the very program of the candidate. */
  readonly isSameProgram: boolean
}

const kinds = 'git:REF, npm:VERSION, dir:FOLDER, image:IMAGE, binary:FILE or target:NAME'

/** How long npm may take to install and build a baseline. */
const buildMs = 15 * 60_000

/**
 * Finds, and where it has to builds, what `--vs` names. Builds are kept in `~/.cache/meshmark/baselines`, by commit or
 * version.
 * @throws UsageError for a word that names nothing, with the cure
 */
export async function baselineNamed(spec: string, flags: RunFlags): Promise<Baseline> {
  const [, kind = 'target', name = ''] =
    /^(?:(git|npm|dir|image|binary|target):)?(.+)$/.exec(spec) ?? []
  switch (kind) {
    case 'git':
      return fromPackage(await builtFromGit(name), flags, spec)
    case 'npm':
      return fromPackage(await installedFromNpm(name), flags, spec)
    case 'dir':
      return fromPackage(resolve(name), flags, spec)
    case 'image':
      takesPrograms(spec, flags)
      return likeCandidate(
        { ...flags, targetImage: name },
        flags.targetImage !== undefined && (await isSameImage(flags.targetImage, name)),
      )
    case 'binary':
      takesPrograms(spec, flags)
      return likeCandidate(
        { ...flags, targetBinary: name },
        flags.targetBinary !== undefined && (await isSameFile(flags.targetBinary, name)),
      )
    case 'target':
      if (name.includes(':') || name === '')
        throw new UsageError(`--vs: got "${spec}"`, [], { hint: `want ${kinds}` })
      return likeCandidate({ ...flags, target: name }, name === (flags.target ?? 'reference'))
    default:
      throw new UsageError(`--vs: got "${spec}"`, [], { hint: `want ${kinds}` })
  }
}

/** Any other target would be compared with itself. */
function takesPrograms(spec: string, { target = 'reference' }: RunFlags): void {
  if (target !== 'edgemesh')
    throw new UsageError(`--vs ${spec}: target ${target} takes no image or program of yours`, [], {
      hint: target === 'reference' ? 'want git:REF, npm:VERSION or dir:FOLDER' : 'want target:NAME',
    })
}

async function likeCandidate(flags: RunFlags, isSameProgram: boolean): Promise<Baseline> {
  return { target: await targetNamed(flags.target ?? 'reference', flags), isSameProgram }
}

/** The reference data plane of another build of this package. */
async function fromPackage(
  folder: string,
  { target = 'reference', provider = 'local', baseImage, targetProxyMode }: RunFlags,
  spec: string,
): Promise<Baseline> {
  if (target !== 'reference')
    throw new UsageError(`--vs ${spec}: target ${target} is not part of this package`, [], {
      hint: 'want image:IMAGE, binary:FILE or target:NAME',
    })
  if (!existsSync(join(folder, 'dist', 'reference-impl', 'main.js')))
    throw new UsageError(`--vs ${spec}: ${folder} has no dist/reference-impl/main.js`, [], {
      hint: 'build it there: npm ci && npm run build',
    })
  if (provider !== 'local')
    throw new UsageError(`--vs ${spec}: provider ${provider} has one image of the reference`, [], {
      hint: 'use --provider local, or target:NAME',
    })
  const [own, its] = await Promise.all([programDigest(packageDirectory), programDigest(folder)])
  const built = reference({
    packageDirectory: folder,
    version: versionOf(folder),
    ...(baseImage !== undefined && { baseImage }),
    ...(targetProxyMode !== undefined && { proxyMode: targetProxyMode }),
  })
  return {
    // why: without it provider local runs the program of its own package under this name
    target: {
      ...built,
      programs: () => Promise.resolve({ 'meshmark/reference': agentProgram(folder) }),
    },
    isSameProgram: own === its,
  }
}

/** Of every file of the compiled data plane. */
async function programDigest(folder: string): Promise<string> {
  const top = join(folder, 'dist', 'reference-impl')
  const files = (await readdir(top, { recursive: true })).filter(
    (file) => file.endsWith('.js') && !file.includes('.test.'),
  )
  const hash = createHash('sha256')
  for (const file of files.sort()) hash.update(`${file}\n`).update(await readFile(join(top, file)))
  return hash.digest('hex')
}

async function builtFromGit(ref: string): Promise<string> {
  const commit = await run(
    'git',
    ['-C', packageDirectory, 'rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`],
    {},
  ).then(
    ({ stdout }) => stdout.trim(),
    () => {
      throw new UsageError(`--vs git:${ref}: no such commit in ${packageDirectory}`, [], {
        hint: 'name a tag, branch or commit of the checkout that meshmark runs from; fetch it first',
      })
    },
  )
  return kept(commit, async (folder) => {
    stderr(`building the baseline ${ref} (${commit.slice(0, 12)}) ...`)
    await run('git', ['clone', '--quiet', '--no-checkout', packageDirectory, folder])
    await run('git', ['-C', folder, 'checkout', '--quiet', '--detach', commit])
    await npm(folder, 'ci', '--no-audit', '--no-fund')
    await npm(folder, 'run', 'build')
    return folder
  })
}

async function installedFromNpm(version: string): Promise<string> {
  const isFile = /^[./]/.test(version)
  const what = isFile ? resolve(version) : `meshmark@${version}`
  const key = createHash('sha256').update(what)
  if (isFile)
    key.update(
      await readFile(what).catch(() => {
        throw new UsageError(`--vs npm:${version}: ${what} cannot be read`)
      }),
    )
  const folder = await kept(`npm-${key.digest('hex').slice(0, 24)}`, async (empty) => {
    stderr(`installing the baseline ${what} ...`)
    await mkdir(empty)
    await npm(empty, 'install', '--no-audit', '--no-fund', '--prefix', empty, what)
    return empty
  })
  return join(folder, 'node_modules', 'meshmark')
}

async function npm(folder: string, ...args: readonly string[]): Promise<void> {
  await run('npm', args, { cwd: folder, timeout: buildMs, maxBuffer: 1 << 26 }).catch(
    (error: unknown) => {
      const { stderr: said = '', message } = error as Error & { readonly stderr?: string }
      throw new UsageError(
        `the baseline could not be built: npm ${args.join(' ')}: ${(said || message).trim().slice(-500)}`,
      )
    },
  )
}

/** A folder of the cache by its key, whole or not there. */
async function kept(key: string, make: (folder: string) => Promise<string>): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const folder = join(cache, 'meshmark', 'baselines', key)
  if (existsSync(folder)) return folder
  await mkdir(dirname(folder), { recursive: true })
  const making = await mkdtemp(`${folder}.`)
  try {
    await rename(await make(join(making, 'it')), folder).catch((error: unknown) => {
      // why: another run may have been faster
      if (!existsSync(folder)) throw error
    })
    return folder
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}
