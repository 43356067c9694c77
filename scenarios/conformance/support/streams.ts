import { createHash } from 'node:crypto'
import {
  type CheckContext,
  patternBytes,
  type Position,
  type Stream,
  type StreamStep,
} from '../../../harness/api.ts'
import type { Judgement } from './judgement.ts'

/** Bytes of the pattern that are hashed at a time. */
const pieceBytes = 1 << 20

/** Hex SHA-256 of the first bytes of the pattern, what `send-pattern` and the backend's `source N` write. */
export function patternSha256(bytes: number): string {
  const hash = createHash('sha256')
  for (let from = 0; from < bytes; from += pieceBytes)
    hash.update(patternBytes(from, Math.min(pieceBytes, bytes - from)))
  return hash.digest('hex')
}

/**
 * Opens a TCP connection that lasts as long as the check, and records whether it could be opened.
 * @returns undefined when it could not
 */
export async function openStream(
  context: CheckContext,
  judgement: Judgement,
  at: Position,
  to: { readonly host: string; readonly port: number },
): Promise<Stream | undefined> {
  const probe = await context.probe(at)
  const stream = await probe.stream({ ...to, timeoutMs: 10_000 }, context)
  context.keep(stream)
  judgement.equal('connecting', 'opened', stream.opened.kind)
  return stream.opened.kind === 'opened' ? stream : undefined
}

/** Sends text at once. */
export function sendText(text: string): StreamStep {
  return { do: 'send', base64: Buffer.from(text).toString('base64') }
}

export function textOf({ base64 }: { readonly base64: string }): string {
  return Buffer.from(base64, 'base64').toString('latin1')
}
