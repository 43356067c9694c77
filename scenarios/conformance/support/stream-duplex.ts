import { Duplex } from 'node:stream'
import type { AbortOptions, Stream, StreamStep } from '../../../harness/api.ts'

/** How long is listened at a time; what is to be written goes out in between. */
const listenMs = 20

/**
 * A probe's connection as a stream of Node.js, so that a protocol of Node's (TLS) speaks from the probe's position.
 * Destroying it leaves the connection to whoever opened it.
 */
export function duplexOf(stream: Stream, options: AbortOptions): Duplex {
  let last: Promise<unknown> = Promise.resolve()
  let isReading = false
  const play = (steps: readonly StreamStep[]): ReturnType<Stream['play']> => {
    const played = last.then(() => stream.play(steps, options))
    last = played.catch(() => undefined)
    return played
  }
  const send = (bytes: Buffer, done: (error?: Error | null) => void): void => {
    play([{ do: 'send', base64: bytes.toString('base64') }]).then(() => {
      done()
    }, done)
  }
  const listen = async (duplex: Duplex): Promise<void> => {
    while (!duplex.destroyed) {
      const { base64, state } = await play([
        { do: 'read', until: { quietMs: listenMs }, withinMs: 1_000 },
      ])
      if (base64 !== '' && !duplex.push(Buffer.from(base64, 'base64'))) return
      if (state === 'open') continue
      if (state === 'end') duplex.push(null)
      else duplex.destroy(new Error(`the connection is ${state}`))
      return
    }
  }
  return new Duplex({
    read() {
      if (isReading) return
      isReading = true
      listen(this)
        .catch((error: unknown) => this.destroy(error instanceof Error ? error : undefined))
        .finally(() => {
          isReading = false
        })
    },
    write(chunk: Buffer, _encoding, done) {
      send(chunk, done)
    },
    writev(pieces, done) {
      send(Buffer.concat(pieces.map(({ chunk }) => chunk as Buffer)), done)
    },
  })
}
