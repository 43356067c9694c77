import { patternBytes } from '../model/pattern.ts'
import type { StreamStep } from '../model/probe.ts'
import { pause } from './stream-pause.ts'
import type { Play } from './stream-read.ts'

type Send = Extract<StreamStep, { do: 'send' }>
type SendPattern = Extract<StreamStep, { do: 'send-pattern' }>

/** How long a send may take that does not say so. */
const usualMs = 60_000

/** Between two segments, so that the first is acknowledged before the next is written. */
const usualGapMs = 1

/** The pattern is written in pieces of this size. */
const pieceBytes = 64 * 1024

/** @returns false when the peer did not take all of it in time */
export async function sendSegments(play: Play, step: Send, closed: AbortSignal): Promise<boolean> {
  const { base64, segments = [], gapMs = usualGapMs, withinMs = usualMs } = step
  const bytes = Buffer.from(base64, 'base64')
  const deadline = performance.now() + withinMs
  let at = 0
  for (const size of [...segments, bytes.length]) {
    if (at === bytes.length) break
    if (at > 0) await pause(gapMs, closed)
    const outcome = await write(play, bytes.subarray(at, at + size), deadline)
    if (outcome !== 'sent') return outcome === 'broken'
    at = Math.min(bytes.length, at + size)
  }
  return true
}

/** @returns false when the peer did not take all of it in time */
export async function sendPattern(play: Play, step: SendPattern): Promise<boolean> {
  const { bytes, withinMs = usualMs } = step
  const deadline = performance.now() + withinMs
  for (let at = 0; at < bytes; at += pieceBytes) {
    const outcome = await write(play, patternBytes(at, Math.min(pieceBytes, bytes - at)), deadline)
    if (outcome !== 'sent') return outcome === 'broken'
  }
  return true
}

/**
 * Gives bytes to the operating system. While it takes none, what arrives is read into the record: so a peer that sends
 * as much as it gets blocks nobody.
 */
function write(
  play: Play,
  piece: Uint8Array,
  deadline: number,
): Promise<'sent' | 'broken' | 'stalled'> {
  const { connection, record } = play
  return new Promise((resolve) => {
    let isOver = false
    const settle = (outcome: 'sent' | 'broken' | 'stalled'): void => {
      // why: a stalled write goes on in the kernel, and may be done during a later step
      if (isOver) return
      isOver = true
      clearImmediate(stall)
      clearTimeout(timer)
      connection.stop()
      resolve(outcome)
    }
    const stall = setImmediate(() => {
      connection.start((arrived) => {
        record.add(arrived)
        return true
      })
    })
    const timer = setTimeout(settle, Math.max(0, deadline - performance.now()), 'stalled')
    connection.socket.write(piece, (error) => {
      if (!error && !isOver) play.sentBytes += piece.length
      settle(error ? 'broken' : 'sent')
    })
  })
}
