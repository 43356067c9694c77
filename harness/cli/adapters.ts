import { kind } from '../clusters/kind/provider.ts'
import { local } from '../clusters/local/provider.ts'
import { UsageError } from '../model/errors.ts'
import type { ClusterProvider } from '../model/cluster.ts'
import type { Target } from '../model/target.ts'
import { direct } from '../targets/direct/target.ts'
import { kubeProxyCoreDns } from '../targets/kube-proxy-coredns/target.ts'
import { reference } from '../targets/reference/target.ts'
import { wrongWord } from './nearest.ts'
import type { RunFlags } from './options.ts'
import { packageDirectory, suiteVersion } from './package.ts'

/** Flags that say how a provider is to make its cluster. */
export type ProviderFlags = Pick<RunFlags, 'controlPlane' | 'kubeProxyMode'> & {
  readonly keep?: boolean
  readonly cluster?: string
  readonly target?: string
}

/** The image of the sample manifests. */
const nginxImage = 'nginx:1.22'

/** Every provider by name. */
const providers: Readonly<Record<string, (flags: ProviderFlags) => ClusterProvider>> = {
  local: ({ controlPlane = 'embedded' }) => local({ packageDirectory, controlPlane }),
  kind: ({ kubeProxyMode, cluster, target }) =>
    kind({
      packageDirectory,
      ...nodeImage(),
      images: [nginxImage],
      ...(kubeProxyMode !== undefined && { kubeProxyMode }),
      ...(cluster !== undefined && { cluster }),
      ...(target !== undefined && { target }),
    }),
}

/** Providers whose clusters can outlive their harness. */
const staying: readonly string[] = ['kind']

/** Every target by name. */
const targets: Readonly<Record<string, () => Target>> = {
  reference: () => reference({ packageDirectory, version: suiteVersion() }),
  'kube-proxy-coredns': () => kubeProxyCoreDns(),
  direct: () => direct(),
}

/** @throws UsageError when there is no provider of this name */
export function providerNamed(name: string, flags: ProviderFlags): ClusterProvider {
  const make = pick('--provider', name, providers)
  if (!staying.includes(name) && (flags.keep === true || flags.cluster !== undefined))
    throw new UsageError(
      `${flags.keep === true ? '--keep' : '--cluster'}: clusters of provider ${name} do not stay`,
      [],
      { hint: 'use --provider kind, or hold it with meshmark up' },
    )
  return make(flags)
}

/** @throws UsageError when there is no target of this name */
export function targetNamed(name: string): Target {
  return pick('--target', name, targets)()
}

/** The image of kind's nodes, where the environment names one; kind's own otherwise. */
function nodeImage(): { readonly nodeImage?: string } {
  const { MESHMARK_KIND_NODE_IMAGE: image = '' } = process.env
  return image === '' ? {} : { nodeImage: image }
}

function pick<T>(flag: string, name: string, table: Readonly<Record<string, T>>): T {
  const make = Object.hasOwn(table, name) ? table[name] : undefined
  if (make === undefined) throw new UsageError(`${flag}: ${wrongWord(name, Object.keys(table))}`)
  return make
}
