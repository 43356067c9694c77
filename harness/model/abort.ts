/** Every operation that waits takes one: aborting it stops the operation and undoes what was half done. */
export interface AbortOptions {
  readonly signal: AbortSignal
}
