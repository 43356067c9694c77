import { isIP } from 'node:net'
import packet from 'dns-packet'
import type { LoadJob } from '../model/load.ts'
import { rcodeNumber } from './dns-socket.ts'

const longestWindowMs = 600_000
const shortestWindowMs = 100

type Fields = Readonly<Record<string, unknown>>

/**
 * Checks a job that came over the wire.
 * @throws RangeError naming every field that is wrong, its value and the rule
 */
export function parseJob(value: unknown): LoadJob {
  if (!isObject(value)) throw new RangeError(problem('job', value, 'an object'))
  const problems = [
    ...whole(value, 'durationMs', shortestWindowMs, longestWindowMs),
    ...whole(value, 'warmupMs', 0, longestWindowMs),
    ...whole(value, 'seed', 0, 0xffff_ffff),
    ...object(value, 'profile', profileProblems),
    ...object(value, 'target', targetProblems),
    ...(value['together'] === undefined || value['together'] === true
      ? []
      : [problem('together', value['together'], 'true, or nothing')]),
  ]
  if (problems.length > 0) throw new RangeError(problems.join('; '))
  return value as unknown as LoadJob
}

function* profileProblems(profile: Fields): Generator<string> {
  const { kind } = profile
  if (kind === 'open-loop') {
    yield* number(profile, 'rateRps', 1, 1_000_000, 'profile.')
    yield* whole(profile, 'maxInFlight', 1, 1_000_000, 'profile.')
  } else if (kind === 'closed-loop') yield* whole(profile, 'concurrency', 1, 10_000, 'profile.')
  else yield problem('profile.kind', kind, 'open-loop or closed-loop')
}

function* targetProblems(target: Fields): Generator<string> {
  const { kind, host, expect } = target
  if (typeof host !== 'string' || isIP(host) === 0)
    yield problem('target.host', host, 'an address: the load must not depend on a resolver')
  yield* whole(target, 'port', 1, 65_535, 'target.')
  if (kind === 'websocket') {
    yield* whole(target, 'connections', 1, 1_000, 'target.')
    yield* whole(target, 'messageBytes', 1, 1_048_576, 'target.')
    yield* text(target, 'path', /^\/[!-~]*$/, 'a path like /index.html')
    yield* text(target, 'authority', /^[!-~]+$/, 'a host name, with a port or without')
  } else if (!isObject(expect)) yield problem('target.expect', expect, 'an object')
  else if (kind === 'http' || kind === 'http-connect') {
    if (kind === 'http') yield* whole(target, 'connections', 1, 1_000, 'target.')
    yield* text(target, 'path', /^\/[!-~]*$/, 'a path like /index.html')
    yield* text(target, 'authority', /^[!-~]+$/, 'a host name, with a port or without')
    yield* whole(expect, 'status', 200, 599, 'target.expect.')
    if (!/^[0-9a-f]{64}$/.test(String(expect['bodySha256'])))
      yield problem('target.expect.bodySha256', expect['bodySha256'], '64 hexadecimal digits')
  } else if (kind === 'udp-flow') {
    if (typeof expect['pod'] !== 'string' || expect['pod'] === '')
      yield problem('target.expect.pod', expect['pod'], 'the name of a pod')
  } else if (kind === 'dns') yield* dnsProblems(target, expect)
  else yield problem('target.kind', kind, 'http, http-connect, websocket, udp-flow or dns')
}

function* dnsProblems({ questions }: Fields, expect: Fields): Generator<string> {
  if (typeof expect['rcode'] !== 'string' || rcodeNumber(expect['rcode']) === undefined)
    yield problem('target.expect.rcode', expect['rcode'], 'a code like NOERROR or NXDOMAIN')
  yield* whole(expect, 'minAnswers', 0, 65_535, 'target.expect.')
  if (!Array.isArray(questions) || questions.length === 0)
    yield problem('target.questions', questions, 'at least one question')
  else
    for (const [index, question] of questions.entries())
      if (!canBeAsked(question))
        yield problem(`target.questions[${index}]`, question, 'a name and a type like A')
}

function canBeAsked(question: unknown): boolean {
  if (!isObject(question)) return false
  const { name, type } = question
  if (typeof name !== 'string' || typeof type !== 'string') return false
  try {
    const query = packet.encode({ type: 'query', questions: [{ name, type: type as never }] })
    return query.readUInt16BE(query.length - 4) !== 0
  } catch {
    return false
  }
}

function* object(
  fields: Fields,
  field: string,
  problems: (value: Fields) => Iterable<string>,
): Generator<string> {
  const value = fields[field]
  if (isObject(value)) yield* problems(value)
  else yield problem(field, value, 'an object')
}

function* text(target: Fields, field: string, form: RegExp, want: string): Generator<string> {
  const value = target[field]
  if (typeof value !== 'string' || !form.test(value)) yield problem(`target.${field}`, value, want)
}

function* number(
  fields: Fields,
  field: string,
  least: number,
  most: number,
  path = '',
): Generator<string> {
  const value = fields[field]
  if (typeof value !== 'number' || !(value >= least && value <= most))
    yield problem(path + field, value, `a number from ${least} to ${most}`)
}

function* whole(
  fields: Fields,
  field: string,
  least: number,
  most: number,
  path = '',
): Generator<string> {
  const value = fields[field]
  if (!Number.isInteger(value) || Number(value) < least || Number(value) > most)
    yield problem(path + field, value, `a whole number from ${least} to ${most}`)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function problem(field: string, value: unknown, want: string): string {
  return `${field}: got ${value === undefined ? 'nothing' : JSON.stringify(value)}, want ${want}`
}
