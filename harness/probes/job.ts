import type { ProbeJob } from '../model/probe.ts'
import { nameProblem, typeNumber } from './dns-query.ts'

/** A job that makes no sense: names the field, the value and the rule. */
export class JobProblem extends Error {}

interface Rule {
  readonly holds: (value: unknown) => boolean
  /** Ends the sentence "got ..., want". */
  readonly want: string
}

type Fields = Readonly<Record<string, Rule>>

const string: Rule = { holds: (value) => typeof value === 'string', want: 'a text' }
const word: Rule = {
  holds: (value) => typeof value === 'string' && value !== '' && !/[\s\0]/.test(value),
  want: 'a text without blanks',
}
const port = wholeNumber(1, 65_535)
const flag: Rule = { holds: (value) => typeof value === 'boolean', want: 'true or false' }
const token: Rule = {
  holds: (value) => typeof value === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value),
  want: "letters, digits and !#$%&'*+.^_`|~- (RFC 9110 section 5.6.2)",
}

/** What each kind of job has to say, and what it may say (names that end in `?`). */
const rules: Readonly<Record<ProbeJob['kind'], Fields>> = {
  http: {
    url: { holds: isHttpUrl, want: 'an http:// URL' },
    'method?': token,
    'headers?': { holds: isHeaders, want: 'a list of [name, value] without line breaks' },
    'body?': string,
  },
  resolve: {
    name: word,
    'family?': { holds: (value) => value === 4 || value === 6, want: '4 or 6' },
  },
  dns: {
    name: {
      holds: (value) => typeof value === 'string' && nameProblem(value) === undefined,
      want: 'a domain name: labels of 1 to 63 bytes, 255 in all',
    },
    type: {
      holds: (value) => typeof value === 'string' && typeNumber(value) !== undefined,
      want: 'a record type like A, SRV or TYPE65',
    },
    transport: { holds: (value) => value === 'udp' || value === 'tcp', want: 'udp or tcp' },
    'server?': record({ address: word, port }),
    'recursionDesired?': flag,
    'edns?': record({ payloadBytes: wholeNumber(0, 65_535), dnssecOk: flag }),
  },
  tcp: {
    host: word,
    port,
    'send?': string,
    'expectBytes?': wholeNumber(0, 2 ** 31),
  },
  udp: { host: word, port, send: string },
  command: { argv: { holds: isArgv, want: 'a list of words, the first not empty' } },
  packets: { host: word, port },
  volley: { host: word, port },
}

const timeoutMs = numberFrom(1, 600_000)

/**
 * Checks a job that came over the wire.
 * @throws JobProblem naming the first field that is wrong, its value and the rule
 */
export function parseJob(job: unknown): ProbeJob {
  if (!isObject(job)) throw wrong('job', job, 'an object')
  const kind = job['kind']
  if (typeof kind !== 'string' || !Object.hasOwn(rules, kind))
    throw wrong('kind', kind, `one of ${Object.keys(rules).join(', ')}`)
  checkFields(job, { timeoutMs, ...rules[kind as ProbeJob['kind']] }, '')
  return job as unknown as ProbeJob
}

function checkFields(
  object: Readonly<Record<string, unknown>>,
  fields: Fields,
  path: string,
): void {
  for (const [key, rule] of Object.entries(fields)) {
    const name = key.replace('?', '')
    const value = object[name]
    if (value === undefined && key.endsWith('?')) continue
    if (!rule.holds(value)) throw wrong(path + name, value, rule.want)
  }
}

function record(fields: Fields): Rule {
  const wants = Object.entries(fields).map(([name, { want }]) => `${name}: ${want}`)
  return {
    holds: (value) =>
      isObject(value) && Object.entries(fields).every(([name, rule]) => rule.holds(value[name])),
    want: `{ ${wants.join(', ')} }`,
  }
}

function numberFrom(least: number, most: number): Rule {
  return {
    holds: (value) => typeof value === 'number' && value >= least && value <= most,
    want: `a number from ${least} to ${most}`,
  }
}

function wholeNumber(least: number, most: number): Rule {
  return {
    holds: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    want: `a whole number from ${least} to ${most}`,
  }
}

function isHttpUrl(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).protocol === 'http:'
}

function isHeaders(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (pair: unknown) =>
        Array.isArray(pair) &&
        pair.length === 2 &&
        token.holds(pair[0]) &&
        typeof pair[1] === 'string' &&
        !/[\r\n\0]/.test(pair[1]),
    )
  )
}

function isArgv(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value[0] !== '' &&
    value.every((one) => typeof one === 'string' && !one.includes('\0'))
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(field: string, value: unknown, want: string): JobProblem {
  const given = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 200)
  return new JobProblem(`${field}: got ${given}, want ${want}`)
}
