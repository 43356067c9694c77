/** Waiting times after failures: doubled each time up to a bound, spread at random so that nodes do not come at once. */
export class Backoff {
  readonly #firstMs: number
  readonly #largestMs: number
  readonly #random: () => number
  #failures = 0

  constructor(firstMs: number, largestMs: number, random: () => number = Math.random) {
    this.#firstMs = firstMs
    this.#largestMs = largestMs
    this.#random = random
  }

  /** Between half of the current bound and all of it. */
  next(): number {
    const bound = Math.min(this.#largestMs, this.#firstMs * 2 ** Math.min(this.#failures, 30))
    this.#failures += 1
    return bound * (0.5 + this.#random() / 2)
  }

  /** No failure since the last success. */
  get isFresh(): boolean {
    return this.#failures === 0
  }

  reset(): void {
    this.#failures = 0
  }
}
