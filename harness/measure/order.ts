import { randomStream } from './random.ts'

/** Independent fair coin flips, one per pair of trials: true means that the second arm runs first. */
export function coinFlips(seed: number, pairs: number): readonly boolean[] {
  const next = randomStream(seed)
  return Array.from({ length: pairs }, () => next() < 0.5)
}
