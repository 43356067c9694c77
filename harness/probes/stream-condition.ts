import type { StreamStep } from '../model/probe.ts'

/** What a `read` waits for. */
export type Until = Extract<StreamStep, { do: 'read' }>['until']

/** Tells after how many bytes of a piece a `read` has enough, or undefined when it needs more than this piece. */
export type EnoughWithin = (piece: Buffer) => number | undefined

/** The condition of one `read`, told piece by piece. Silence and the end of the peer are not seen in bytes. */
export function enoughWithin(until: Until): EnoughWithin {
  if (until === 'end' || 'quietMs' in until) return () => undefined
  return 'bytes' in until ? afterBytes(until.bytes) : afterText(Buffer.from(until.text))
}

function afterBytes(wanted: number): EnoughWithin {
  let seen = 0
  return (piece) => {
    const missing = wanted - seen
    seen += piece.length
    return piece.length >= missing ? missing : undefined
  }
}

function afterText(text: Buffer): EnoughWithin {
  let tail: Buffer = Buffer.alloc(0)
  return (piece) => {
    const both = Buffer.concat([tail, piece])
    const at = both.indexOf(text)
    if (at !== -1) return at + text.length - tail.length
    tail = both.subarray(Math.max(0, both.length - text.length + 1))
    return undefined
  }
}
