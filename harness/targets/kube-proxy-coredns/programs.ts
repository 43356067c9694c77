import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { TargetError } from '../../model/errors.ts'
import type { Programs } from '../../model/cluster.ts'
import { onPath } from '../shared/programs.ts'
import { coreDnsImage, kubeProxyImage } from './manifests.ts'

/** How long a program may take to tell its version. */
const versionMs = 10_000

/**
 * The real kube-proxy and CoreDNS of this machine, for clusters whose containers are no images.
 * @throws TargetError 'deploy-failed' naming the ones that are not on PATH
 */
export function ownPrograms(): Programs {
  const found = { 'kube-proxy': onPath('kube-proxy'), coredns: onPath('coredns') }
  const missing = Object.entries(found).flatMap(([name, path]) =>
    path === undefined ? [name] : [],
  )
  if (missing.length > 0)
    throw new TargetError('deploy-failed', `no ${missing.join(' and no ')} on PATH`, {
      hint: 'on provider local this target runs the programs of this machine: get kube-proxy from dl.k8s.io and coredns from github.com/coredns/coredns/releases, or use --provider kind',
    })
  return {
    [kubeProxyImage]: [found['kube-proxy'] ?? ''],
    [coreDnsImage]: [found.coredns ?? ''],
  }
}

/** `Kubernetes v1.34.4`, `CoreDNS-1.12.1`: what the programs say of themselves, as image tags have it. */
export async function versionsOf(
  programs: Programs,
): Promise<{ readonly kubeProxyVersion: string; readonly coreDnsVersion: string }> {
  const [kubeProxy = ''] = programs[kubeProxyImage] ?? []
  const [coreDns = ''] = programs[coreDnsImage] ?? []
  const [kubeProxyVersion, coreDnsVersion] = await Promise.all([
    versionIn(kubeProxy, '--version'),
    versionIn(coreDns, '-version'),
  ])
  return { kubeProxyVersion, coreDnsVersion }
}

async function versionIn(program: string, flag: string): Promise<string> {
  const run = promisify(execFile)
  const { stdout } = await run(program, [flag], { timeout: versionMs }).catch((cause: unknown) => {
    throw new TargetError('deploy-failed', `${program} ${flag} failed: ${String(cause)}`, { cause })
  })
  const [version] = /\d+\.\d+\.\d+\S*/.exec(stdout) ?? []
  return version === undefined ? 'unknown' : `v${version}`
}
