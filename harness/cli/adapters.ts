import type { KubeProxyMode } from '../clusters/kind/config.ts'
import { kind } from '../clusters/kind/provider.ts'
import { k3d } from '../clusters/k3d/provider.ts'
import { kubeconfig } from '../clusters/kubeconfig/provider.ts'
import { local } from '../clusters/local/provider.ts'
import { UsageError } from '../model/errors.ts'
import type { ClusterProvider } from '../model/cluster.ts'
import type { Target } from '../model/target.ts'
import { direct } from '../targets/direct/target.ts'
import { edgeMesh } from '../targets/edgemesh/target.ts'
import { kubeProxyCoreDns } from '../targets/kube-proxy-coredns/target.ts'
import { isTargetFile, loadTarget } from '../targets/own/load.ts'
import { reference } from '../targets/reference/target.ts'
import { wrongWord } from './nearest.ts'
import type { RunFlags } from './options.ts'
import { packageDirectory, suiteVersion } from './package.ts'

/** Flags that say how a provider is to make its cluster. */
export type ProviderFlags = Pick<
  RunFlags,
  | 'controlPlane'
  | 'kubeProxyMode'
  | 'nodeImage'
  | 'baseImage'
  | 'nginxImage'
  | 'k6Image'
  | 'cni'
  | 'ipFamily'
  | 'kubeconfig'
  | 'context'
  | 'edgeNodes'
  | 'imagePrefix'
  | 'yesThisCluster'
> & {
  readonly keep?: boolean
  readonly cluster?: string
  /** k6 will run in the cluster. */
  readonly secondOpinion?: boolean
  /** What will stand in the cluster. */
  readonly target?: Target
}

/** Flags that say how a target is to be run. */
export type TargetFlags = Pick<
  RunFlags,
  | 'targetImage'
  | 'targetBinary'
  | 'targetResources'
  | 'targetProxyMode'
  | 'kubeProxyMode'
  | 'baseImage'
>

/** The image that the sample manifests name. */
export const usualNginx = 'nginx:1.22'

/** Every provider by name. */
const providers: Readonly<Record<string, (flags: ProviderFlags) => ClusterProvider>> = {
  local: ({ controlPlane = 'embedded' }) => local({ packageDirectory, controlPlane }),
  k3d: ({ kubeProxyMode, target, nodeImage, baseImage, ...flags }) =>
    k3d({
      packageDirectory,
      ...nodesFrom(nodeImage, 'MESHMARK_K3S_IMAGE'),
      ...(baseImage !== undefined && { baseImage }),
      images: imagesOfOthers({ target, ...flags }),
      kubeProxyMode: k3sMode(
        kubeProxyMode ?? (target?.kubeProxy === 'absent' ? 'none' : 'iptables'),
      ),
    }),
  kubeconfig: ({ kubeconfig: file, context, edgeNodes, imagePrefix, ...flags }) =>
    kubeconfig({
      packageDirectory,
      ...(file !== undefined && { kubeconfig: file }),
      ...(context !== undefined && { context }),
      ...(edgeNodes !== undefined && { edgeNodes }),
      ...(imagePrefix !== undefined && { imagePrefix }),
      ...(flags.yesThisCluster !== undefined && { agreedCluster: flags.yesThisCluster }),
      runsJobs: flags.secondOpinion === true,
    }),
  kind: ({ kubeProxyMode, cluster, target, nodeImage, baseImage, cni, ...flags }) =>
    kind({
      packageDirectory,
      ...nodesFrom(nodeImage, 'MESHMARK_KIND_NODE_IMAGE'),
      ...(baseImage !== undefined && { baseImage }),
      ...(cni !== undefined && { cni }),
      images: imagesOfOthers({ target, ...flags }),
      ...(kubeProxyMode === undefined
        ? target?.kubeProxy === 'absent' && cluster === undefined && { kubeProxyMode: 'none' }
        : { kubeProxyMode }),
      ...(cluster !== undefined && { cluster }),
      ...(target !== undefined && { target: target.id }),
    }),
}

/** Images that Docker has to have, and the nodes are given. */
function imagesOfOthers({
  nginxImage = usualNginx,
  target,
  k6Image,
  secondOpinion,
}: Pick<ProviderFlags, 'nginxImage' | 'k6Image' | 'secondOpinion'> & {
  readonly target: Target | undefined
}): readonly string[] {
  return [
    nginxImage,
    ...(target?.imageNames ?? []),
    ...(k6Image !== undefined && secondOpinion === true ? [k6Image] : []),
  ]
}

/** Providers whose clusters can outlive their harness. */
const staying: readonly string[] = ['kind']

/** Every target by name. */
const targets: Readonly<Record<string, (flags: TargetFlags) => Target>> = {
  edgemesh: ({ targetImage, targetBinary, targetResources }) =>
    edgeMesh({
      ...(targetBinary !== undefined && { binary: targetBinary }),
      ...(targetImage !== undefined && { image: targetImage }),
      ...(targetResources !== undefined && { resources: targetResources }),
    }),
  reference: ({ baseImage, targetProxyMode }) =>
    reference({
      packageDirectory,
      version: suiteVersion(),
      ...(targetProxyMode !== undefined && { proxyMode: targetProxyMode }),
      ...(baseImage !== undefined && { baseImage }),
    }),
  'kube-proxy-coredns': ({ kubeProxyMode }) => {
    if (kubeProxyMode === 'none')
      throw new UsageError('--kube-proxy-mode none: target kube-proxy-coredns is kube-proxy', [], {
        hint: 'want iptables or nftables',
      })
    return kubeProxyCoreDns(kubeProxyMode === undefined ? {} : { mode: kubeProxyMode })
  },
  direct: () => direct(),
}

/** @throws UsageError when there is no provider of this name */
export function providerNamed(name: string, flags: ProviderFlags): ClusterProvider {
  const make = pick('--provider', name, providers)
  for (const { flag, given, only } of [
    { flag: '--cni', given: flags.cni, only: ['kind'] },
    { flag: '--ip-family dual', given: flags.ipFamily === 'dual', only: ['kind'] },
    { flag: '--node-image', given: flags.nodeImage, only: ['kind', 'k3d'] },
    { flag: '--nginx-image', given: flags.nginxImage, only: ['kind', 'k3d', 'kubeconfig'] },
    { flag: '--k6-image', given: flags.k6Image, only: ['kind', 'k3d', 'kubeconfig'] },
  ])
    if (given !== undefined && given !== false && !only.includes(name))
      throw new UsageError(`${flag} has no meaning for provider ${name}`, [], {
        hint: `it is for ${only.join(', ')}`,
      })
  if (!staying.includes(name) && (flags.keep === true || flags.cluster !== undefined))
    throw new UsageError(
      `${flags.keep === true ? '--keep' : '--cluster'}: clusters of provider ${name} do not stay`,
      [],
      { hint: 'use --provider kind, or hold it with meshmark up' },
    )
  return make(flags)
}

/**
 * A target that ships with meshmark by its name, or a user's own by its file.
 * @throws UsageError when there is no target of this name, TargetError for a file that is none
 */
export async function targetNamed(name: string, flags: TargetFlags): Promise<Target> {
  if (isTargetFile(name)) return loadTarget(name, packageDirectory)
  return pick('--target', name, targets)(flags)
}

/** The image of a provider's nodes, where a flag or the environment names one; its CLI's own otherwise. */
function nodesFrom(flag: string | undefined, name: string): { readonly nodeImage?: string } {
  const image = flag ?? process.env[name] ?? ''
  return image === '' ? {} : { nodeImage: image }
}

function k3sMode(mode: KubeProxyMode): 'iptables' | 'none' {
  if (mode === 'nftables')
    throw new UsageError('--kube-proxy-mode: k3s has iptables and none, got nftables', [], {
      hint: 'use --provider kind',
    })
  return mode
}

function pick<T>(flag: string, name: string, table: Readonly<Record<string, T>>): T {
  const make = Object.hasOwn(table, name) ? table[name] : undefined
  if (make === undefined) throw new UsageError(`${flag}: ${wrongWord(name, Object.keys(table))}`)
  return make
}
