import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { ClusterError } from '../../model/errors.ts'
import type { TransportInit } from '../kube/transport.ts'

/** Where a kubeconfig leads, and what its context is called. */
export interface KubeconfigAccess extends TransportInit {
  readonly context: string
}

interface Named {
  readonly name?: string
}

interface Kubeconfig {
  readonly 'current-context'?: string
  readonly clusters?: readonly (Named & { readonly cluster?: ClusterEntry })[]
  readonly users?: readonly (Named & { readonly user?: UserEntry })[]
  readonly contexts?: readonly (Named & {
    readonly context?: { readonly cluster?: string; readonly user?: string }
  })[]
}

interface ClusterEntry {
  readonly server?: string
  readonly 'certificate-authority'?: string
  readonly 'certificate-authority-data'?: string
  readonly 'insecure-skip-tls-verify'?: boolean
}

interface UserEntry {
  readonly token?: string
  readonly tokenFile?: string
  readonly 'client-certificate'?: string
  readonly 'client-certificate-data'?: string
  readonly 'client-key'?: string
  readonly 'client-key-data'?: string
  readonly exec?: unknown
  readonly 'auth-provider'?: unknown
}

/**
 * Reads one context of a kubeconfig file (kubernetes.io/docs/reference/config-api/kubeconfig.v1): tokens and client
 * certificates, inline or in files beside it.
 * @param context - its name; the current context when absent
 * @throws ClusterError 'access-denied' when the file cannot be read, or leads nowhere, or asks for what is not supported
 */
export function readKubeconfig(file: string, context?: string): KubeconfigAccess {
  const config = parsed(file)
  const wanted = context ?? config['current-context']
  if (wanted === undefined || wanted === '')
    throw denied(
      `${file} has no current context`,
      `name one of: ${namesOf(config.contexts)}, or: kubectl config use-context NAME`,
    )
  const { context: chosen = {} } = named(file, 'context', config.contexts, wanted)
  const { cluster = {} } = named(file, 'cluster', config.clusters, chosen.cluster)
  const { user = {} } = named(file, 'user', config.users, chosen.user)
  const read = (data: string | undefined, path: string | undefined): string | undefined =>
    data === undefined ? fileText(file, path) : Buffer.from(data, 'base64').toString('utf8')
  refuseUnsupported(file, cluster, user)
  const ca = read(cluster['certificate-authority-data'], cluster['certificate-authority'])
  const certificate = read(user['client-certificate-data'], user['client-certificate'])
  const key = read(user['client-key-data'], user['client-key'])
  const token = user.token ?? fileText(file, user.tokenFile)?.trim()
  if (cluster.server === undefined || !/^https:\/\//.test(cluster.server))
    throw denied(
      `${file}: cluster ${chosen.cluster ?? ''} has the server ${JSON.stringify(cluster.server)}, want https://host:port`,
      'set its server to the address of the Kubernetes API',
    )
  if ((certificate === undefined) !== (key === undefined))
    throw denied(
      `${file}: user ${chosen.user ?? ''} has a client ${key === undefined ? 'certificate without its key' : 'key without its certificate'}`,
      'give both, or a token',
    )
  return {
    context: wanted,
    server: cluster.server,
    ...(ca !== undefined && { ca }),
    ...(token !== undefined && { token }),
    ...(certificate !== undefined &&
      key !== undefined && { clientCertificate: { certificate, key } }),
  }
}

function parsed(file: string): Kubeconfig {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw denied(
      `${file} cannot be read: ${(cause as Error).message}`,
      'name a kubeconfig file',
      cause,
    )
  }
  let config: unknown
  try {
    config = parse(text)
  } catch (cause) {
    throw denied(
      `${file} is not YAML: ${(cause as Error).message}`,
      'name a kubeconfig file',
      cause,
    )
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw denied(`${file} is not a kubeconfig: it holds no mapping`, 'name a kubeconfig file')
  return config
}

function named<T extends Named>(
  file: string,
  what: string,
  entries: readonly T[] | undefined,
  name: string | undefined,
): T {
  const found = entries?.find((entry) => entry.name === name)
  if (found === undefined)
    throw denied(`${file} has no ${what} ${JSON.stringify(name)}`, `it has: ${namesOf(entries)}`)
  return found
}

function namesOf(entries: readonly Named[] | undefined): string {
  return entries?.map(({ name = '' }) => name).join(', ') ?? 'none'
}

/** What would make another cluster of it, or a weaker one, is refused and never left out silently. */
function refuseUnsupported(file: string, cluster: ClusterEntry, user: UserEntry): void {
  const unsupported =
    cluster['insecure-skip-tls-verify'] === true
      ? 'insecure-skip-tls-verify'
      : ['exec', 'auth-provider'].find((field) => field in user)
  if (unsupported !== undefined)
    throw denied(
      `${file}: ${unsupported} is not supported`,
      'use a token or a client certificate, e.g. of a ServiceAccount: kubectl create token NAME',
    )
}

/** Paths are relative to the kubeconfig's folder. */
function fileText(kubeconfig: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  const file = resolve(dirname(kubeconfig), path)
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw denied(
      `${kubeconfig} names ${file}, which cannot be read: ${(cause as Error).message}`,
      'mend its path or its rights',
      cause,
    )
  }
}

function denied(message: string, hint: string, cause?: unknown): ClusterError {
  return new ClusterError('access-denied', message, { hint, cause })
}
