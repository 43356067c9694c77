import { isIP } from 'node:net'

/** A job that makes no sense: names the field, the value and the rule. */
export class JobProblem extends Error {}

export interface Rule {
  readonly holds: (value: unknown) => boolean
  /** Ends the sentence "got ..., want". */
  readonly want: string
  /**
   * Looks into a value for which the rule holds.
   * @throws JobProblem for the first part of it that is wrong
   */
  readonly inside?: (value: unknown, path: string) => void
}

/** What an object has to say, and what it may say (names that end in `?`). */
export type Fields = Readonly<Record<string, Rule>>

export const string: Rule = { holds: (value) => typeof value === 'string', want: 'a text' }
export const word: Rule = {
  holds: (value) => typeof value === 'string' && value !== '' && !/[\s\0]/.test(value),
  want: 'a text without blanks',
}
export const flag: Rule = { holds: (value) => typeof value === 'boolean', want: 'true or false' }
export const port: Rule = wholeNumber(1, 65_535)
export const literalAddress: Rule = {
  holds: (value) => typeof value === 'string' && isIP(value) !== 0,
  want: 'a literal IPv4 or IPv6 address',
}
export const timeoutMs: Rule = numberFrom(1, 600_000)

/** Bytes in base64 (RFC 4648 section 4, padded), so many at most. */
export function base64(mostBytes: number): Rule {
  return {
    holds: (value) =>
      typeof value === 'string' &&
      value.length <= Math.ceil(mostBytes / 3) * 4 &&
      Buffer.byteLength(value, 'base64') <= mostBytes &&
      Buffer.from(value, 'base64').toString('base64') === value,
    want: `base64 of at most ${mostBytes} bytes`,
  }
}

export function record(fields: Fields): Rule {
  const wants = Object.entries(fields).map(([name, { want }]) => `${name}: ${want}`)
  return {
    holds: (value) =>
      isObject(value) && Object.entries(fields).every(([name, rule]) => rule.holds(value[name])),
    want: `{ ${wants.join(', ')} }`,
  }
}

export function listOf(fields: Fields, least: number, most: number): Rule {
  return {
    holds: (value) => Array.isArray(value) && value.length >= least && value.length <= most,
    want: `a list of ${least} to ${most}`,
    inside: (value, path) => {
      const list: readonly unknown[] = Array.isArray(value) ? value : []
      for (const [index, one] of list.entries()) {
        const at = `${path}[${index}]`
        if (!isObject(one)) throw wrong(at, one, 'an object')
        checkFields(one, fields, `${at}.`)
      }
    },
  }
}

export function numberFrom(least: number, most: number): Rule {
  return {
    holds: (value) => typeof value === 'number' && value >= least && value <= most,
    want: `a number from ${least} to ${most}`,
  }
}

export function wholeNumber(least: number, most: number): Rule {
  return {
    holds: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    want: `a whole number from ${least} to ${most}`,
  }
}

/** @throws JobProblem naming the first field that is wrong, its value and the rule */
export function checkFields(
  object: Readonly<Record<string, unknown>>,
  fields: Fields,
  path: string,
): void {
  for (const [key, rule] of Object.entries(fields)) {
    const name = key.replace('?', '')
    const value = object[name]
    if (value === undefined && key.endsWith('?')) continue
    if (!rule.holds(value)) throw wrong(path + name, value, rule.want)
    rule.inside?.(value, path + name)
  }
}

/** @throws JobProblem when a source address cannot reach the host because it is of the other family */
export function checkFamily(field: string, address: string | undefined, host: string): void {
  if (address !== undefined && isIP(address) !== isIP(host))
    throw wrong(field, address, `an address of the family of ${host}`)
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function wrong(field: string, value: unknown, want: string): JobProblem {
  const given = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 200)
  return new JobProblem(`${field}: got ${given}, want ${want}`)
}
