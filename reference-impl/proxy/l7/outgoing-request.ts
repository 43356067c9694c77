/** A request as it goes to a backend; kept until an answer arrives, in case it has to be sent again. */
import type { Socket } from 'node:net'
import type { RequestHead } from '../../wire/http1-request.ts'
import { type ClientMark, forwardedHead } from './request-head.ts'

/** Bodies up to this size travel in the same write as the head. */
const inlineBodyBytes = 8_192

export class OutgoingRequest {
  #head: Buffer | undefined
  #body: Buffer | undefined

  /** Takes the head in `bytes` and the part of its body that came with it; both are copied. */
  compose(bytes: Buffer, head: RequestHead, mark: ClientMark, bodyEnd: number): void {
    const inlined = bodyEnd - head.end <= inlineBodyBytes
    this.#head = forwardedHead(bytes, head, mark, head.end, inlined ? bodyEnd : head.end)
    this.#body = inlined ? undefined : Buffer.from(bytes.subarray(head.end, bodyEnd))
  }

  /** Takes bytes that are passed on as they are. */
  opaque(bytes: Buffer): void {
    this.#head = Buffer.from(bytes)
    this.#body = undefined
  }

  send(socket: Socket): void {
    if (this.#head === undefined) return
    if (this.#body === undefined) {
      socket.write(this.#head)
      return
    }
    socket.cork()
    socket.write(this.#head)
    socket.write(this.#body)
    socket.uncork()
  }

  forget(): void {
    this.#head = undefined
    this.#body = undefined
  }
}
