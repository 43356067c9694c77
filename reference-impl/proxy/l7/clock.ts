/** A monotonic clock that is read from memory; it advances when the sweeper ticks. */
export class CoarseClock {
  nowMs: number = performance.now()

  tick(): void {
    this.nowMs = performance.now()
  }
}
