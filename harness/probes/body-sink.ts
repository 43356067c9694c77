import { createHash } from 'node:crypto'

/** A body as far as it is told: its hash and size are of all of it. */
export interface Body {
  readonly text: string
  readonly sha256: string
  readonly sizeBytes: number
}

/** A body is told up to this length. */
const toldBytes = 1024 * 1024

/** Takes a body of any length in pieces and keeps copies of no more of it than is told. */
export function bodySink(): {
  readonly add: (piece: Buffer) => void
  /** The bytes that are told. */
  readonly kept: () => Buffer
  readonly finish: () => Body
} {
  const hash = createHash('sha256')
  const kept: Buffer[] = []
  let sizeBytes = 0
  return {
    add: (piece) => {
      hash.update(piece)
      if (sizeBytes < toldBytes) kept.push(Buffer.from(piece.subarray(0, toldBytes - sizeBytes)))
      sizeBytes += piece.length
    },
    kept: () => Buffer.concat(kept),
    finish: () => ({
      text: Buffer.concat(kept).toString('utf8'),
      sha256: hash.digest('hex'),
      sizeBytes,
    }),
  }
}
