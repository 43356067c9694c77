import type { AbortOptions } from '../../../../model/abort.ts'
import type { KubeClient } from '../../../../model/kubernetes.ts'
import type { Pod } from './pod.ts'

/** Tokens are not renewed: a day is longer than any cluster of provider local lives. */
const lifetimeSeconds = 86_400

/**
 * Asks the API for a token of the pod's ServiceAccount (TokenRequest), bound to the pod.
 * @throws Error in the real kubelet's words
 */
export async function issueToken(
  kube: KubeClient,
  pod: Pod,
  audience: string | undefined,
  options: AbortOptions,
): Promise<string> {
  const { namespace, name, uid } = pod.metadata
  const account = pod.spec.serviceAccountName ?? 'default'
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: audience === undefined ? [] : [audience],
      expirationSeconds: lifetimeSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  }
  const answer = await kube.request('POST', path, { ...options, body })
  const { status, message } = parse(answer.body)
  const token = typeof status === 'object' ? status.token : undefined
  if (answer.status < 300 && token !== undefined) return token
  throw new Error(
    `failed to fetch token: ${message ?? `the API answered with HTTP ${answer.status}`}`,
  )
}

interface Answer {
  readonly status?: string | { readonly token?: string }
  readonly message?: string
}

function parse(body: string): Answer {
  try {
    return JSON.parse(body) as Answer
  } catch {
    return {}
  }
}
