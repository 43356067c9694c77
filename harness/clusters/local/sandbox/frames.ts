/**
 * What an exec connection carries back: frames of one type byte, four bytes of length (big endian) and the payload.
 * `control` is a JSON line: `{"pid":n}` first, `{"error":"..."}` instead when it failed, `{"code":n,"signal":s}` last.
 */
export type Frame = { readonly type: 'control' | 'stdout' | 'stderr'; readonly payload: Buffer }

const types = ['control', 'stdout', 'stderr'] as const
const headBytes = 5

export function encodeFrame(type: Frame['type'], payload: Buffer | string): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload
  const frame = Buffer.allocUnsafe(headBytes + body.length)
  frame.writeUInt8(types.indexOf(type), 0)
  frame.writeUInt32BE(body.length, 1)
  body.copy(frame, headBytes)
  return frame
}

/** Cuts a byte stream into frames; keeps what is not complete yet. */
export function frameDecoder(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0)
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= headBytes) {
      const end = headBytes + pending.readUInt32BE(1)
      if (pending.length < end) return
      const type = types[pending.readUInt8(0)]
      if (type === undefined) throw new RangeError(`unknown frame type ${pending.readUInt8(0)}`)
      onFrame({ type, payload: pending.subarray(headBytes, end) })
      pending = pending.subarray(end)
    }
  }
}
