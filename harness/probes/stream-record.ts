import type { StreamPlayed } from '../model/probe.ts'
import { bodySink } from './body-sink.ts'

/** Reads of the operating system that are told. */
const toldChunks = 1_000

/** What arrives during one play: told up to 1 MiB, hashed and counted without end. */
export interface StreamRecord {
  readonly add: (piece: Buffer) => void
  readonly bytes: () => number
  /** The first MiB. */
  readonly kept: () => Buffer
  readonly finish: () => Pick<StreamPlayed, 'base64' | 'bytes' | 'sha256' | 'chunks'>
}

export function streamRecord(startedAt: number): StreamRecord {
  const sink = bodySink()
  const chunks: StreamPlayed['chunks'][number][] = []
  let bytes = 0
  return {
    add: (piece) => {
      if (piece.length === 0) return
      sink.add(piece)
      bytes += piece.length
      if (chunks.length < toldChunks)
        chunks.push({ atMs: performance.now() - startedAt, bytes: piece.length })
    },
    bytes: () => bytes,
    kept: sink.kept,
    finish: () => {
      const base64 = sink.kept().toString('base64')
      return { base64, bytes, sha256: sink.finish().sha256, chunks }
    },
  }
}
