import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ClusterError } from '../../../model/errors.ts'

/** Absolute paths of the programs of a real control plane. */
export interface ControlPlanePrograms {
  readonly etcd: string
  readonly kubeApiserver: string
}

/**
 * Finds kube-apiserver and etcd: in the folder that `KUBEBUILDER_ASSETS` names (the convention of controller-runtime's
 * envtest), else on `PATH`.
 * @throws ClusterError 'tool-missing' naming what was not found and where it was looked for
 */
export function findControlPlanePrograms(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ControlPlanePrograms {
  const assets = env['KUBEBUILDER_ASSETS']
  const folders = assets === undefined ? (env['PATH'] ?? '').split(delimiter) : [assets]
  const find = (name: string): string | undefined =>
    folders.map((folder) => join(folder, name)).find(isExecutable)
  const etcd = find('etcd')
  const kubeApiserver = find('kube-apiserver')
  if (etcd !== undefined && kubeApiserver !== undefined) return { etcd, kubeApiserver }
  const missing = [
    ...(etcd === undefined ? ['etcd'] : []),
    ...(kubeApiserver === undefined ? ['kube-apiserver'] : []),
  ]
  throw new ClusterError(
    'tool-missing',
    `--control-plane envtest: no ${missing.join(' and no ')} in ${assets === undefined ? 'PATH' : `KUBEBUILDER_ASSETS=${assets}`}`,
    {
      hint: 'get them with controller-runtime’s setup-envtest and set KUBEBUILDER_ASSETS, or use --control-plane embedded',
    },
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
