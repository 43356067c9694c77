import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError } from '../../model/errors.ts'
import { ended, failure } from '../kind/cli.ts'

/** The major version of k3d whose flags are used. */
const wantedMajor = 5

/** Codes of terminals, which k3d writes into pipes as well. */
const colours = /\u001b\[\d+m/g

/** The k3d CLI, as far as it is used here. */
export const k3dCli = {
  /** @throws ClusterError 'tool-missing' when it is absent or too old */
  version: async (options: AbortOptions): Promise<string> =>
    checkedVersion(await run(['version'], options)),
  create: async (argv: readonly string[], options: AbortOptions): Promise<void> => {
    await run(argv, options)
  },
  clusters: async (options: AbortOptions): Promise<readonly string[]> =>
    clusterNames(await run(['cluster', 'list', '-o', 'json'], options)),
  kubeconfig: (name: string, options: AbortOptions): Promise<string> =>
    run(['kubeconfig', 'get', name], options),
  load: async (name: string, images: readonly string[], options: AbortOptions): Promise<void> => {
    await run(['image', 'import', ...images, '--cluster', name], options)
  },
} as const

/** The Docker network of a cluster. */
export function networkOf(name: string): string {
  return `k3d-${name}`
}

/** What a run of k3d comes to. @throws ClusterError with the cause and the cure where its words are known */
export function judged(
  argv: readonly string[],
  { exitCode, stdout, stderr }: Awaited<ReturnType<typeof ended>>,
): string {
  if (exitCode === 0) return stdout
  throw failure(argv, exitCode, (stderr === '' ? stdout : stderr).replace(colours, ''))
}

/** `k3d version v5.8.3` as `v5.8.3`. @throws ClusterError 'tool-missing' when it is of another major version */
export function checkedVersion(said: string): string {
  const [, version = '', major] = /^k3d version (v(\d+)\S*)/m.exec(said) ?? []
  if (Number(major) !== wantedMajor)
    throw new ClusterError(
      'tool-missing',
      `k3d says ${JSON.stringify(said.trim())}, want version ${wantedMajor}`,
      { hint: 'install it: https://k3d.io' },
    )
  return version
}

/** Names of `k3d cluster list -o json`. */
export function clusterNames(said: string): readonly string[] {
  return (JSON.parse(said) as readonly { readonly name: string }[]).map(({ name }) => name)
}

async function run(argv: readonly string[], options: AbortOptions): Promise<string> {
  const all = ['k3d', ...argv]
  return judged(all, await ended(all, options))
}
