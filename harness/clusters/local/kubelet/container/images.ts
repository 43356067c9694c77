import { join } from 'node:path'
import { programPath } from '../../network/command.ts'
import { findProgram } from '../find-program.ts'
import { busyboxFiles } from './images/busybox.ts'
import { nginxFiles } from './images/nginx.ts'
import type { Mount } from './root-fs.ts'

/** A local program that stands in for a container image. */
export interface Image {
  /** As in a Dockerfile: a container's `command` replaces both, its `args` replace `cmd`. */
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Program of the machine without which the image cannot run, and the Debian package that has it. */
  readonly needs?: { readonly program: string; readonly package: string }
  /** Writes the image's own files into a folder of the container and tells where they belong. */
  readonly files?: (folder: string) => readonly Mount[]
}

/** What a configuration may add: an image that runs a program of this machine. */
export type ImageOverrides = Readonly<
  Record<string, { readonly entrypoint?: readonly string[]; readonly cmd?: readonly string[] }>
>

/** `docker.io/library/nginx:1.22@sha256:...` is `nginx`. */
export function repositoryOf(image: string): string {
  const [withoutDigest = ''] = image.split('@')
  const path = withoutDigest.replace(/:[^/:]*$/, '')
  return path.replace(/^(docker\.io|index\.docker\.io)\//, '').replace(/^library\//, '')
}

/** Waits for the end as a pause container does, and goes at once when asked to. */
const idle = ['sh', '-c', 'trap "exit 0" TERM INT; sleep infinity & wait']

/** curl's image runs what it is given, or curl when that is an option or an URL. */
const curlEntrypoint = [
  'sh',
  '-c',
  'case ${1:-} in -*) set -- curl "$@";; *) command -v "${1:-}" >/dev/null || set -- curl "$@";; esac; exec "$@"',
  'entrypoint.sh',
]

/** Every image that provider local knows, by repository; tags and digests make no difference. */
export function images(
  packageDir: string,
  overrides: ImageOverrides = {},
): ReadonlyMap<string, Image> {
  const main = (...path: string[]): readonly string[] => [
    process.execPath,
    join(packageDir, 'dist', ...path),
  ]
  // why: as its Dockerfile starts it, or its memory is another's
  const [node = '', ...program] = main('reference-impl', 'main.js')
  const reference = [node, '--max-semi-space-size=2', '--heap-growing-percent=50', ...program]
  const busybox: Image = {
    entrypoint: [],
    cmd: ['sh'],
    env: { PATH: `/usr/lib/busybox:${programPath}` },
    needs: { program: 'busybox', package: 'busybox' },
    files: busyboxFiles,
  }
  const debian: Image = {
    entrypoint: [],
    cmd: ['bash'],
    needs: { program: 'bash', package: 'bash' },
  }
  const table: Readonly<Record<string, Image>> = {
    nginx: {
      entrypoint: [],
      cmd: ['nginx', '-g', 'daemon off;'],
      needs: { program: 'nginx', package: 'nginx-light' },
      files: nginxFiles,
    },
    'meshmark/probe': { entrypoint: [], cmd: idle },
    'meshmark/backend': { entrypoint: main('harness', 'backends', 'main.js'), cmd: [] },
    'meshmark/reference': { entrypoint: reference, cmd: [] },
    busybox,
    alpine: { ...busybox, cmd: ['/bin/sh'] },
    debian,
    ubuntu: debian,
    'curlimages/curl': {
      entrypoint: curlEntrypoint,
      cmd: ['curl'],
      needs: { program: 'curl', package: 'curl' },
    },
    'registry.k8s.io/pause': { entrypoint: idle, cmd: [] },
  }
  const more = Object.entries(overrides).map(
    ([name, { entrypoint = [], cmd = [] }]) => [name, { entrypoint, cmd }] as const,
  )
  return new Map([...Object.entries(table), ...more])
}

/**
 * Finds the image of a container.
 * @throws Error that says which images there are, or which program is missing
 */
export function findImage(known: ReadonlyMap<string, Image>, name: string): Image {
  const image = known.get(repositoryOf(name))
  if (image === undefined)
    throw new Error(
      `image "${name}" is not known to provider local; it has: ${[...known.keys()].join(', ')}`,
    )
  if (image.needs !== undefined && findProgram(image.needs.program) === undefined)
    throw new Error(
      `image "${name}" runs this machine's ${image.needs.program}, which is not installed; install it: apt-get install ${image.needs.package}`,
    )
  return image
}

/** What a container's command line comes to: `command` replaces ENTRYPOINT and CMD, `args` replace CMD. */
export function commandLine(
  { entrypoint, cmd }: Image,
  spec: { readonly command?: readonly string[]; readonly args?: readonly string[] },
): readonly string[] {
  const { command = [], args = [] } = spec
  if (command.length > 0) return [...command, ...args]
  return [...entrypoint, ...(args.length > 0 ? args : cmd)]
}
