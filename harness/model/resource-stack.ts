/** Undoes acquisitions in reverse order and keeps going when one undo fails. Node 20 has no AsyncDisposableStack. */
export class ResourceStack implements AsyncDisposable {
  readonly #held: AsyncDisposable[] = []

  use<T extends AsyncDisposable>(resource: T): T {
    this.#held.push(resource)
    return resource
  }

  defer(undo: () => Promise<void> | void): void {
    this.#held.push({
      [Symbol.asyncDispose]: async () => {
        await undo()
      },
    })
  }

  /** Hands everything held to a new stack: what was built is complete and its new owner disposes it. */
  move(): ResourceStack {
    const next = new ResourceStack()
    next.#held.push(...this.#held.splice(0))
    return next
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (const held of this.#held.splice(0).reverse()) {
      try {
        await held[Symbol.asyncDispose]()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1)
      throw new AggregateError(failures, `${failures.length} resources could not be released`)
  }
}
