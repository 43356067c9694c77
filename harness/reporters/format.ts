import type { PairedEffect } from '../model/run-result.ts'

/** What stands where a number is missing. */
export const absent = '–'

/** Keeps a number and its unit on one line. */
const space = '\u00A0'

/** Three significant digits, whole numbers from 1000 on with thousands separators: `0.0123`, `41.7`, `12,346`. */
export function number(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return absent
  const size = Math.abs(value)
  const text =
    size >= 1000
      ? whole.format(size)
      : size >= 0.001 || size === 0
        ? short.format(size)
        : tiny.format(size)
  return value < 0 ? `−${text}` : text
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
const tiny = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 })

/** A count, all its digits: `12,346`. */
export function count(value: number): string {
  return whole.format(value)
}

/** With its sign, zero without: `+38`, `−2.1`. */
export function signed(value: number | undefined): string {
  if (value === undefined) return absent
  return value > 0 ? `+${number(value)}` : number(value)
}

/** `µs`, `ms`, `req/s`, `×`: the model's unit as people write it. */
export function unitText(unit: string): string {
  return (
    ({ us: 'µs', 'us/req': 'µs/req', x: '×' } as Readonly<Record<string, string>>)[unit] ?? unit
  )
}

/** `41.7 µs`; without a value only the dash. */
export function quantity(value: number | undefined, unit: string): string {
  return value === undefined ? absent : `${number(value)}${space}${unitText(unit)}`
}

/** The effect itself: `+38 µs` or `0.981×`. */
export function effectText(
  value: number,
  { kind, unit }: Pick<PairedEffect, 'kind' | 'unit'>,
): string {
  return kind === 'ratio' ? `${ratio.format(value)}×` : `${signed(value)}${space}${unitText(unit)}`
}

const ratio = new Intl.NumberFormat('en', { minimumFractionDigits: 3, maximumFractionDigits: 3 })

/** `+31 to +45 µs`, `0.973× to 0.990×`; the dash where so few pairs give none. */
export function intervalText(effect: PairedEffect): string {
  if (effect.interval === undefined) return absent
  const [low, high] = effect.interval
  return effect.kind === 'ratio'
    ? `${effectText(low, effect)} to ${effectText(high, effect)}`
    : `${signed(low)} to ${effectText(high, effect)}`
}

/** `96.9 %`. */
export function percent(share: number | undefined, digits: number = 1): string {
  return share === undefined ? absent : `${(share * 100).toFixed(digits)}${space}%`
}

/** `0.8 ms`, `412 ms`, `12.3 s`, `1 min 32 s`. */
export function duration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)}${space}ms`
  if (ms < 999.5) return `${Math.round(ms)}${space}ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}${space}s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}${space}min${space}${seconds % 60}${space}s`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `24 Nov 2025, 03:11 UTC` of an RFC 3339 time in UTC. */
export function instant(rfc3339: string): string {
  const [, year, month, day, time] = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(rfc3339) ?? []
  const name = months[Number(month) - 1]
  return name === undefined ? rfc3339 : `${Number(day)} ${name} ${year ?? ''}, ${time ?? ''} UTC`
}

/** `512 MiB`, `7.8 GiB`. */
export function mebibytes(mib: number): string {
  return mib < 1024 ? `${number(mib)}${space}MiB` : `${number(mib / 1024)}${space}GiB`
}
