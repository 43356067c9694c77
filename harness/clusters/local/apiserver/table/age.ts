/**
 * How long ago, as kubectl shows it: `45s`, `5m12s`, `3h`, `2d4h`, `412d`, `3y12d` (k8s.io/apimachinery duration).
 * @param sinceMs - negative when a time lies in the future
 */
export function humanDuration(sinceMs: number): string {
  const seconds = Math.trunc(sinceMs / 1_000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (days < 8) return withRest(days, 'd', hours % 24, 'h')
  if (days < 365 * 2) return `${days}d`
  const years = Math.trunc(days / 365)
  return years < 8 ? withRest(years, 'y', days % 365, 'd') : `${years}y`
}

/** The age of an RFC 3339 time; `<unknown>` where there is none. */
export function age(time: unknown, now: Date): string {
  if (typeof time !== 'string' || time === '') return '<unknown>'
  return humanDuration(now.getTime() - Date.parse(time))
}

function withRest(count: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${count}${unit}` : `${count}${unit}${rest}${restUnit}`
}
