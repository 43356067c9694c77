import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'

/** How to reach the Kubernetes API and who we are there. */
export interface Access {
  /** `https://10.0.0.1:6443` */
  readonly server: string
  /** PEM; absent: the system's certificate authorities. */
  readonly ca?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  /** Name to verify the server's certificate for, where it differs from the host in `server`. */
  readonly serverName?: string
  readonly skipVerify: boolean
  /** The current bearer token; tokens in files are read anew, because kubelets exchange them. */
  readonly token: () => Promise<string | undefined>
}

/** Credentials or their sources are missing or unusable; `message` says which. */
export class AccessError extends Error {
  override readonly name = 'AccessError'
}

export interface AccessInit {
  readonly kubeconfig?: string
  /** Overrides where the API is; credentials come from the kubeconfig or the pod all the same. */
  readonly server?: string
}

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** @throws AccessError */
export async function findAccess(
  { kubeconfig, server }: AccessInit,
  env: NodeJS.ProcessEnv = process.env,
  folder: string = accountFolder,
): Promise<Access> {
  const found =
    kubeconfig === undefined ? await podAccess(env, folder) : await kubeconfigAccess(kubeconfig)
  const url = server ?? found.server
  if (url === undefined)
    throw new AccessError(
      'where the Kubernetes API is cannot be told: neither --server nor --kubeconfig is given and KUBERNETES_SERVICE_HOST is not set',
    )
  return { ...found, server: url.replace(/\/+$/, '') }
}

type PartialAccess = Omit<Access, 'server'> & { readonly server?: string }

/** Credentials of the pod's ServiceAccount. */
async function podAccess(env: NodeJS.ProcessEnv, folder: string): Promise<PartialAccess> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env
  const authority = host?.includes(':') === true ? `[${host}]` : host
  const ca = await readFile(join(folder, 'ca.crt'), 'utf8').catch(() => undefined)
  return {
    ...(authority !== undefined && { server: `https://${authority}:${port}` }),
    ...(ca !== undefined && { ca }),
    skipVerify: false,
    token: async () => await readToken(join(folder, 'token')),
  }
}

interface Kubeconfig {
  readonly 'current-context'?: string
  readonly contexts?: readonly { name?: string; context?: { cluster?: string; user?: string } }[]
  readonly clusters?: readonly { name?: string; cluster?: Readonly<Record<string, unknown>> }[]
  readonly users?: readonly { name?: string; user?: Readonly<Record<string, unknown>> }[]
}

async function kubeconfigAccess(path: string): Promise<PartialAccess> {
  const config = await readKubeconfig(path)
  const wanted = config['current-context'] ?? ''
  const context = config.contexts?.find(({ name }) => name === wanted)?.context
  if (context === undefined)
    throw new AccessError(
      `${path}: current-context ${JSON.stringify(wanted)} is not among its contexts`,
    )
  const cluster = config.clusters?.find(({ name }) => name === context.cluster)?.cluster
  const server = textField(cluster, 'server')
  if (cluster === undefined || server === undefined)
    throw new AccessError(
      `${path}: cluster ${JSON.stringify(context.cluster ?? '')} of context ${wanted} has no server`,
    )
  const user = config.users?.find(({ name }) => name === context.user)?.user
  if (user?.['exec'] !== undefined || user?.['auth-provider'] !== undefined)
    throw new AccessError(
      `${path}: user ${context.user ?? ''} gets its credentials from a plugin, which this agent does not run; use a token, tokenFile or client certificate`,
    )
  const file = async (
    fields: typeof cluster | undefined,
    key: string,
  ): Promise<string | undefined> => await fileOrData(path, fields, key)
  const ca = await file(cluster, 'certificate-authority')
  const clientCertificate = await file(user, 'client-certificate')
  const clientKey = await file(user, 'client-key')
  const serverName = textField(cluster, 'tls-server-name')
  const tokenFile = textField(user, 'tokenFile')
  const token = textField(user, 'token')
  return {
    server,
    ...(ca !== undefined && { ca }),
    ...(clientCertificate !== undefined && { clientCertificate }),
    ...(clientKey !== undefined && { clientKey }),
    ...(serverName !== undefined && { serverName }),
    skipVerify: cluster['insecure-skip-tls-verify'] === true,
    token: async () => (tokenFile === undefined ? token : await readToken(beside(path, tokenFile))),
  }
}

async function readKubeconfig(path: string): Promise<Kubeconfig> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AccessError(`${path} cannot be read`, { cause })
  })
  try {
    // why: a kubeconfig is YAML, but reading JSON first saves the parser in the common case of a generated one
    const value: unknown = text.trimStart().startsWith('{')
      ? JSON.parse(text)
      : (await import('yaml')).parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    throw new AccessError(`${path} is not a kubeconfig`, { cause })
  }
  throw new AccessError(`${path} is not a kubeconfig: it has no fields`)
}

async function fileOrData(
  path: string,
  fields: Readonly<Record<string, unknown>> | undefined,
  key: string,
): Promise<string | undefined> {
  const data = textField(fields, `${key}-data`)
  if (data !== undefined) return Buffer.from(data, 'base64').toString()
  const file = textField(fields, key)
  if (file === undefined) return undefined
  return await readFile(beside(path, file), 'utf8').catch((cause: unknown) => {
    throw new AccessError(`${path}: ${key} ${file} cannot be read`, { cause })
  })
}

function textField(
  fields: Readonly<Record<string, unknown>> | undefined,
  key: string,
): string | undefined {
  const value = fields?.[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Paths in a kubeconfig are relative to it. */
function beside(path: string, file: string): string {
  return isAbsolute(file) ? file : join(dirname(path), file)
}

async function readToken(path: string): Promise<string | undefined> {
  const token = await readFile(path, 'utf8').catch(() => '')
  return token.trim() === '' ? undefined : token.trim()
}
