import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { EventEmitter } from 'node:events'

/** What a container wrote, in the format of a container runtime: `<time> <stream> F <line>`. */
export interface ContainerLog {
  readonly path: string
  write(stream: 'stdout' | 'stderr', chunk: Buffer): void
  /** Writes what has no line end yet. */
  flush(): void
  /** Calls back for every line to come. Returns how to stop. */
  onLine(listener: (line: string) => void): () => void
}

export function containerLog(path: string): ContainerLog {
  mkdirSync(dirname(path), { recursive: true })
  appendFileSync(path, '')
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  const rest = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  const put = (stream: 'stdout' | 'stderr', line: Buffer): string =>
    `${new Date().toISOString().replace('Z', '000000Z')} ${stream} F ${line.toString('utf8')}\n`
  const save = (lines: readonly string[]): void => {
    if (lines.length === 0) return
    appendFileSync(path, lines.join(''))
    for (const line of lines) emitter.emit('line', line)
  }
  return {
    path,
    write: (stream, chunk) => {
      let data = Buffer.concat([rest[stream], chunk])
      const lines: string[] = []
      for (let end = data.indexOf(10); end !== -1; end = data.indexOf(10)) {
        lines.push(put(stream, data.subarray(0, end)))
        data = data.subarray(end + 1)
      }
      rest[stream] = Buffer.from(data)
      save(lines)
    },
    flush: () => {
      for (const stream of ['stdout', 'stderr'] as const) {
        if (rest[stream].length > 0) save([put(stream, rest[stream])])
        rest[stream] = Buffer.alloc(0)
      }
    },
    onLine: (listener) => {
      emitter.on('line', listener)
      return () => emitter.off('line', listener)
    },
  }
}
