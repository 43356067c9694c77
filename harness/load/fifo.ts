/** First in, first out, without moving what waits. */
export interface Fifo<T> {
  push(value: T): void
  shift(): T | undefined
}

/** Taken places at the front that are given back at once. */
const slack = 1_024

export function fifo<T>(): Fifo<T> {
  let values: T[] = []
  let first = 0
  return {
    push: (value) => {
      values.push(value)
    },
    shift: () => {
      if (values.length === 0) return undefined
      const value = values[first]
      first += 1
      if (first === values.length || first > slack) {
        values = values.slice(first)
        first = 0
      }
      return value
    },
  }
}
