import { badRequest } from '../api-errors.ts'

/** One field of a protobuf message, undecoded. */
export interface WireField {
  readonly number: number
  readonly value: bigint | Buffer
}

/**
 * The fields of a message in the order in which they were written (protobuf encoding, wire types 0, 1, 2 and 5).
 * @throws ApiError 400 when the bytes are no message
 */
export function* wireFields(message: Buffer): Generator<WireField, void> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at]
      if (byte === undefined) throw malformed()
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw malformed()
  }
  const take = (sizeBytes: number): Buffer => {
    if (at + sizeBytes > message.length) throw malformed()
    at += sizeBytes
    return message.subarray(at - sizeBytes, at)
  }
  while (at < message.length) {
    const tag = varint()
    const number = Number(tag >> 3n)
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, value: varint() }
        break
      case 1:
        yield { number, value: take(8) }
        break
      case 2:
        yield { number, value: take(Number(varint())) }
        break
      case 5:
        yield { number, value: take(4) }
        break
      default:
        throw malformed()
    }
  }
}

/** The bytes of the last field with this number. */
export function bytesAt(message: Buffer, number: number): Buffer | undefined {
  let found: Buffer | undefined
  for (const field of wireFields(message)) {
    if (field.number === number && Buffer.isBuffer(field.value)) found = field.value
  }
  return found
}

export function malformed(): Error {
  return badRequest("couldn't get version/kind; protobuf parse error: unexpected end of message")
}
