/** Bytes of a client that are not used yet: a head that is not complete, or the requests after the present one. */
import type { ProxyState } from './proxy-state.ts'
import { defaultHeadLimits } from '../../wire/http1-request.ts'

/** Beyond this a head that is still incomplete is searched for its end before it is parsed again. */
const eagerParseBytes = 4_096
const endOfHead = Buffer.from('\r\n\r\n')
const LF = 10

export class RequestInput {
  #pending: Buffer | undefined
  readonly #state: Pick<ProxyState, 'inputBytes'>

  constructor(state: Pick<ProxyState, 'inputBytes'>) {
    this.#state = state
  }

  get isEmpty(): boolean {
    return this.#pending === undefined
  }

  /** Whether the first line is complete. */
  get hasLine(): boolean {
    // why: empty lines before a request line do not count (RFC 9112 §2.2)
    return this.#pending?.toString('latin1').trimStart().includes(String.fromCharCode(LF)) === true
  }

  /** Adds `chunk` to an incomplete head; returns what to parse now, undefined while that would be in vain. */
  append(chunk: Buffer): Buffer | undefined {
    const pending = this.#pending
    if (pending === undefined) return chunk
    const bytes = Buffer.concat([pending, chunk])
    this.#hold(bytes)
    const decided = bytes.length <= eagerParseBytes || bytes.length > defaultHeadLimits.headBytes
    const searchFrom = Math.max(0, pending.length - endOfHead.length + 1)
    return decided || bytes.includes(endOfHead, searchFrom) ? bytes : undefined
  }

  /** Remembers `bytes` as all there is. They are copied: the buffer they came in is used again. */
  keep(bytes: Buffer): void {
    if (this.#pending !== bytes) this.#hold(Buffer.from(bytes))
  }

  /** Puts `bytes` behind what is there. */
  push(bytes: Buffer): void {
    const pending = this.#pending
    this.#hold(pending === undefined ? Buffer.from(bytes) : Buffer.concat([pending, bytes]))
  }

  take(): Buffer | undefined {
    const pending = this.#pending
    this.#hold(undefined)
    return pending
  }

  #hold(bytes: Buffer | undefined): void {
    this.#state.inputBytes += (bytes?.length ?? 0) - (this.#pending?.length ?? 0)
    this.#pending = bytes
  }
}
