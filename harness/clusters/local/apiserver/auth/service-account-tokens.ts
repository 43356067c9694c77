import { createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isArray, isObject } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { User } from '../environment.ts'

/** What a ServiceAccount token says. */
export interface ServiceAccountClaims {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly audiences: readonly string[]
  readonly expiresAt: Date
  /** The object the token dies with. */
  readonly pod?: { readonly name: string; readonly uid: string }
}

/** Issues and checks tokens of service accounts (JWT, ES256). */
export interface ServiceAccountTokens {
  issue(claims: ServiceAccountClaims): string
  /** @returns undefined when it is not ours, expired, or its account or pod is gone */
  authenticate(token: string): (User & { readonly audiences: readonly string[] }) | undefined
}

export interface ServiceAccountTokensInit {
  readonly key: KeyObject
  /** e.g. `https://kubernetes.default.svc.cluster.local` */
  readonly issuer: string
  readonly now: () => Date
  /** Whether the object with this uid still exists. */
  readonly exists: (
    kind: 'ServiceAccount' | 'Pod',
    namespace: string,
    name: string,
    uid: string,
  ) => boolean
}

export function serviceAccountTokens(init: ServiceAccountTokensInit): ServiceAccountTokens {
  const publicKey = createPublicKey(init.key)
  const header = encode({ alg: 'ES256', kid: 'meshmark' })

  return {
    issue(claims) {
      const issuedAt = Math.floor(init.now().getTime() / 1_000)
      const payload = encode({
        aud: claims.audiences,
        exp: Math.floor(claims.expiresAt.getTime() / 1_000),
        iat: issuedAt,
        iss: init.issuer,
        jti: crypto.randomUUID(),
        'kubernetes.io': {
          namespace: claims.namespace,
          ...(claims.pod !== undefined && { pod: claims.pod }),
          serviceaccount: { name: claims.name, uid: claims.uid },
        },
        nbf: issuedAt,
        sub: `system:serviceaccount:${claims.namespace}:${claims.name}`,
      })
      const signed = Buffer.from(`${header}.${payload}`)
      const signature = sign('sha256', signed, { key: init.key, dsaEncoding: 'ieee-p1363' })
      return `${header}.${payload}.${signature.toString('base64url')}`
    },

    authenticate(token) {
      const [head, payload, signature, ...rest] = token.split('.')
      if (head === undefined || payload === undefined || signature === undefined) return undefined
      if (rest.length > 0) return undefined
      const isOurs = verify(
        'sha256',
        Buffer.from(`${head}.${payload}`),
        { key: publicKey, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      )
      if (!isOurs) return undefined
      return userOf(decode(payload), init)
    },
  }
}

function userOf(claims: JsonObject, init: ServiceAccountTokensInit) {
  const { exp, aud } = claims
  if (typeof exp !== 'number' || exp * 1_000 <= init.now().getTime()) return undefined
  const bound = objectAt(claims, 'kubernetes.io')
  const account = objectAt(bound, 'serviceaccount')
  const pod = objectAt(bound, 'pod')
  const namespace = text(bound, 'namespace')
  const [name, uid] = [text(account, 'name'), text(account, 'uid')]
  if (!init.exists('ServiceAccount', namespace, name, uid)) return undefined
  const podName = text(pod, 'name')
  if (podName !== '' && !init.exists('Pod', namespace, podName, text(pod, 'uid'))) return undefined
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: [
      'system:serviceaccounts',
      `system:serviceaccounts:${namespace}`,
      'system:authenticated',
    ],
    audiences: isArray(aud) ? aud.map(String) : [],
    ...(podName !== '' && {
      extra: {
        'authentication.kubernetes.io/pod-name': [podName],
        'authentication.kubernetes.io/pod-uid': [text(pod, 'uid')],
      },
    }),
  }
}

function objectAt(value: JsonObject, field: string): JsonObject {
  const found = value[field]
  return isObject(found) ? found : {}
}

function text(value: JsonObject, field: string): string {
  const found = value[field]
  return typeof found === 'string' ? found : ''
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(part: string): JsonObject {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as unknown
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
