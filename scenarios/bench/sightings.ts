import type { Sighting } from '../../harness/api.ts'

/** So many requests in a row have to agree before a change counts as settled: by chance 25 of two pods do once in 3e7. */
const inARow = 25

/** A client that did not ask for so long cannot date what happened meanwhile, in ms. */
export const gapMs = 60

/** A client whose clock is not known better than this dates nothing, in ms. */
export const clockErrorMs = 10

/**
 * The last requests were answered by these pods, and each of them answered one; of none: were not answered.
 * @returns a test of sightings
 */
export function settledOn(pods: readonly string[]): (sightings: readonly Sighting[]) => boolean {
  return (sightings) => {
    if (sightings.length < inARow) return false
    const last = sightings.toSorted((one, other) => one.sentMs - other.sentMs).slice(-inARow)
    if (pods.length === 0) return last.every(({ answered }) => !answered)
    return (
      last.every(({ answered, seen }) => answered && pods.includes(seen)) &&
      pods.every((pod) => last.some(({ seen }) => seen === pod))
    )
  }
}

/** The last requests were answered, each by one of these. @returns a test of sightings */
export function settledIn(answers: readonly string[]): (sightings: readonly Sighting[]) => boolean {
  return (sightings) => {
    const last = sightings.toSorted((one, other) => one.sentMs - other.sentMs).slice(-inARow)
    return (
      last.length === inARow &&
      last.every(({ answered, seen }) => answered && answers.includes(seen))
    )
  }
}

/** From the first failed request to the last, in ms; one failure alone lasts as long as the pace is. */
export function errorWindowMs(sightings: readonly Sighting[], everyMs: number): number {
  const times = sightings.filter(({ answered }) => !answered).map(({ sentMs }) => sentMs)
  return times.length === 0 ? 0 : Math.max(...times) - Math.min(...times) + everyMs
}

/** The longest time between two of these moments in which nothing was asked, in ms. */
export function longestGapMs(sightings: readonly Sighting[], fromMs: number, toMs: number): number {
  const inside = sightings
    .map(({ sentMs }) => sentMs)
    .filter((sentMs) => sentMs > fromMs && sentMs < toMs)
    .sort((one, other) => one - other)
  const times = [fromMs, ...inside, toMs]
  return times
    .slice(1)
    .reduce((most, time, index) => Math.max(most, time - (times[index] ?? time)), 0)
}
