import { closest, distance } from 'fastest-levenshtein'

/** The allowed word that a mistyped one most likely meant, if any is near enough. */
export function nearest(given: string, allowed: readonly string[]): string | undefined {
  if (allowed.length === 0) return undefined
  const best = closest(given, allowed)
  return distance(given, best) <= Math.max(2, given.length / 3) ? best : undefined
}

/** `got "loacl", want one of local, kind; did you mean local?` */
export function wrongWord(given: string, allowed: readonly string[]): string {
  const near = nearest(given, allowed)
  return `got "${given}", want one of ${allowed.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`
}
