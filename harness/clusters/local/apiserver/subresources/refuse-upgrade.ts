import type { Duplex } from 'node:stream'
import { failureStatus, toApiError } from '../http/answer.ts'

/** Answers an upgrade that cannot be had with a Status, as plain HTTP. */
export function refuseUpgrade(client: Duplex, error: unknown): void {
  if (client.destroyed) return
  const failure = toApiError(error)
  const body = `${JSON.stringify(failureStatus(failure))}\n`
  client.on('error', () => undefined)
  client.end(
    [
      `HTTP/1.1 ${failure.code} ${failure.reason}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
