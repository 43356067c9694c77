import type { ServerResponse } from 'node:http'

/**
 * Writes frames to a client no faster than it reads. What comes while it does not read waits, up to a limit in bytes;
 * past it the client is cut off and has to list again, as the real server does.
 */
export class FrameWriter {
  readonly #response: ServerResponse
  readonly #backlogBytes: number
  readonly #sources: Iterator<string>[] = []
  readonly #ended: (() => void)[] = []
  #waiting: string[] = []
  #waitingBytes = 0
  #isBlocked = false
  #isPaused = false
  #isClosed = false
  #endsWhenDrained = false

  /** @param response - its head is sent with the first frame, or by {@link start} */
  constructor(response: ServerResponse, backlogBytes: number) {
    this.#response = response
    this.#backlogBytes = backlogBytes
    response.on('drain', () => {
      this.#isBlocked = false
      this.#pump()
    })
    response.on('close', () => {
      this.#close()
    })
    if (response.destroyed) this.#close()
  }

  write(frame: string): void {
    if (this.#isClosed) return
    if (!this.#isHeld() && this.#sources.length === 0 && this.#waiting.length === 0) {
      this.#isBlocked = !this.#response.write(frame)
      return
    }
    this.#waiting.push(frame)
    this.#waitingBytes += frame.length
    if (this.#waitingBytes > this.#backlogBytes) this.cut()
  }

  /** Writes frames that are made only as the client takes them. Must come before any waiting `write`. */
  writeAll(frames: Iterator<string>): void {
    this.#sources.push(frames)
    this.#pump()
  }

  /** Ends the stream when all is written. */
  end(): void {
    this.#endsWhenDrained = true
    this.#pump()
  }

  /** Holds everything back, as a connection does that has stalled. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#pump()
  }

  /** Breaks the connection in the middle. */
  cut(): void {
    this.#close()
    this.#response.destroy()
  }

  onEnd(listener: () => void): void {
    if (this.#isClosed) listener()
    else this.#ended.push(listener)
  }

  #isHeld(): boolean {
    return this.#isBlocked || this.#isPaused
  }

  #pump(): void {
    while (!this.#isHeld() && !this.#isClosed) {
      const frame = this.#next()
      if (frame === undefined) break
      this.#isBlocked = !this.#response.write(frame)
    }
    const isDrained = this.#sources.length === 0 && this.#waiting.length === 0
    if (this.#endsWhenDrained && isDrained && !this.#isClosed) {
      this.#response.end()
      this.#close()
    }
  }

  #next(): string | undefined {
    for (let source = this.#sources[0]; source !== undefined; source = this.#sources[0]) {
      const next = source.next()
      if (next.done !== true) return next.value
      this.#sources.shift()
    }
    if (this.#waiting.length === 0) return undefined
    // why: one large write instead of many small ones is what lets a slow client catch up
    const frames = this.#waiting.join('')
    this.#waiting = []
    this.#waitingBytes = 0
    return frames
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#waiting = []
    this.#sources.length = 0
    for (const listener of this.#ended.splice(0)) listener()
  }
}
