import { readFileSync } from 'node:fs'
import { isArray, isObject } from '../json.ts'
import type { User } from '../environment.ts'

/** Finds out who a bearer token belongs to. */
export interface Authenticator {
  authenticate(token: string): User | undefined
}

/** The tokens of a file: `[{"token": "...", "user": "meshmark-admin", "groups": ["system:masters"]}]`. */
export interface StaticTokens extends Authenticator {
  /** A token of a user, with which the server itself calls a kubelet. */
  tokenOf(user: string): string | undefined
}

/** @throws Error naming the file when it is no such list */
export function readTokens(file: string): StaticTokens {
  const parsed = JSON.parse(readFileSync(file, 'utf8')) as unknown
  if (!isArray(parsed)) throw new Error(`${file}: got ${typeof parsed}, want a list of tokens`)
  const users = new Map<string, User>()
  parsed.forEach((entry, index) => {
    const token = isObject(entry) ? entry['token'] : undefined
    const name = isObject(entry) ? entry['user'] : undefined
    if (!isObject(entry) || typeof token !== 'string' || typeof name !== 'string') {
      throw new Error(`${file}: entry ${index}: want {"token", "user", "groups"}`)
    }
    const groups = isArray(entry['groups']) ? entry['groups'].map(String) : []
    users.set(token, { name, groups: [...groups, 'system:authenticated'] })
  })
  return {
    authenticate: (token) => users.get(token),
    tokenOf(user) {
      for (const [token, { name }] of users) if (name === user) return token
      return undefined
    },
  }
}

/** The token of an Authorization header, or of a websocket's protocol list as browsers send it. */
export function bearerToken(headers: {
  readonly authorization?: string | undefined
  readonly 'sec-websocket-protocol'?: string | undefined
}): string | undefined {
  const header = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  if (header !== undefined) return header
  const prefix = 'base64url.bearer.authorization.k8s.io.'
  const protocol = headers['sec-websocket-protocol']
    ?.split(',')
    .map((part) => part.trim())
    .find((part) => part.startsWith(prefix))
  if (protocol === undefined) return undefined
  return Buffer.from(protocol.slice(prefix.length), 'base64url').toString('utf8')
}
