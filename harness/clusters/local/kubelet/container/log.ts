import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { EventEmitter } from 'node:events'
import { dirname } from 'node:path'

/** What a container wrote, in the format of container runtimes: `<time> <stream> F <line>`. */
export interface ContainerLog {
  readonly path: string
  /** The older part, once the newer has begun. */
  readonly olderPath: string
  /** Bytes in `path`. */
  sizeBytes(): number
  write(stream: LogStream, chunk: Buffer): void
  /** Writes what has no line end yet, and closes the file. */
  close(): void
  /** Calls back with finished lines as they come. Returns how to stop. */
  onLines(listener: (lines: string) => void): () => void
}

export type LogStream = 'stdout' | 'stderr'

/** As kubelet's containerLogMaxSize: a log is at most this and an older part of the same size. */
const maxBytes = 10 * 1024 * 1024

/** A line longer than this is cut in two. */
const longestLineBytes = 64 * 1024

export function containerLog(path: string): ContainerLog {
  mkdirSync(dirname(path), { recursive: true })
  const olderPath = `${path}.1`
  const emitter = new EventEmitter().setMaxListeners(0)
  const rest: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  let file: number | undefined = openSync(path, 'a', 0o600)
  let sizeBytes = 0
  const save = (lines: Buffer): void => {
    if (file === undefined) return
    if (sizeBytes + lines.length > maxBytes && sizeBytes > 0) {
      closeSync(file)
      renameSync(path, olderPath)
      file = openSync(path, 'a', 0o600)
      sizeBytes = 0
    }
    writeSync(file, lines)
    sizeBytes += lines.length
    if (emitter.listenerCount('lines') > 0) emitter.emit('lines', lines.toString('utf8'))
  }
  return {
    path,
    olderPath,
    sizeBytes: () => sizeBytes,
    write: (stream, chunk) => {
      const last = chunk.lastIndexOf(10)
      const whole = last === -1 ? Buffer.alloc(0) : chunk.subarray(0, last)
      const held = rest[stream]
      if (last === -1) {
        rest[stream] = Buffer.concat([held, chunk])
        if (rest[stream].length < longestLineBytes) return
        save(stamped(stream, rest[stream]))
        rest[stream] = Buffer.alloc(0)
        return
      }
      rest[stream] = Buffer.from(chunk.subarray(last + 1))
      save(stamped(stream, held.length === 0 ? whole : Buffer.concat([held, whole])))
    },
    close: () => {
      for (const stream of ['stdout', 'stderr'] as const)
        if (rest[stream].length > 0) save(stamped(stream, rest[stream]))
      if (file !== undefined) closeSync(file)
      file = undefined
    },
    onLines: (listener) => {
      emitter.on('lines', listener)
      return () => emitter.off('lines', listener)
    },
  }
}

/** Puts the time before every line: once per piece that was read, so that a busy server's log costs little. */
function stamped(stream: LogStream, lines: Buffer): Buffer {
  const head = `${new Date().toISOString().replace('Z', '000000Z')} ${stream} F `
  // why latin1: bytes stay bytes, whatever they mean, and the replacement runs in native code
  return Buffer.from(`${head}${lines.toString('latin1').replaceAll('\n', `\n${head}`)}\n`, 'latin1')
}
