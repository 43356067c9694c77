import { badRequest } from '../api-errors.ts'

/** Where a list that came in pieces goes on. Opaque to clients; the same JSON as the real server's. */
export interface ContinueToken {
  /** The version of the whole list; -1 means whatever is current. */
  readonly version: number
  /** The last key that was given out. */
  readonly after: string
}

export function encodeContinue(token: ContinueToken): string {
  const json = JSON.stringify({
    v: 'meta.k8s.io/v1',
    rv: token.version,
    start: `${token.after}\u0000`,
  })
  return Buffer.from(json).toString('base64url')
}

/** @throws ApiError 400 when it is not one of ours */
export function decodeContinue(text: string): ContinueToken {
  try {
    const value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown
    if (typeof value === 'object' && value !== null && 'rv' in value && 'start' in value) {
      const { rv, start } = value
      if (typeof rv === 'number' && typeof start === 'string' && rv !== 0) {
        return { version: rv, after: start.replace(/\0$/, '') }
      }
    }
  } catch {
    // why: said below, whatever is wrong with it
  }
  throw badRequest('continue key is not valid: illegal base64 data or an unknown format')
}
