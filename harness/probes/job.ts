import type { ProbeJob } from '../model/probe.ts'

/** A job that makes no sense: names the field, the value and the rule. */
export class JobProblem extends Error {}

const longestMs = 600_000

/** What each kind of job has to say, by type. */
const rules: Readonly<Record<ProbeJob['kind'], Readonly<Record<string, Rule>>>> = {
  http: { url: 'url' },
  resolve: { name: 'text' },
  dns: { name: 'string', type: 'text', transport: 'transport' },
  tcp: { host: 'text', port: 'port' },
  udp: { host: 'text', port: 'port', send: 'string' },
  command: { argv: 'words' },
}

type Rule = 'url' | 'text' | 'string' | 'port' | 'transport' | 'words'

const wants: Readonly<Record<Rule, string>> = {
  url: 'an http:// URL',
  text: 'a text that is not empty',
  string: 'a text',
  port: 'a whole number from 1 to 65535',
  transport: 'udp or tcp',
  words: 'a list of at least one word',
}

/**
 * Checks a job that came over the wire.
 * @throws JobProblem naming the first field that is wrong
 */
export function parseJob(job: unknown): ProbeJob {
  if (typeof job !== 'object' || job === null) throw wrong('job', job, 'an object')
  const kind: unknown = Reflect.get(job, 'kind')
  const fields =
    typeof kind === 'string' && Object.hasOwn(rules, kind)
      ? rules[kind as ProbeJob['kind']]
      : undefined
  if (fields === undefined) throw wrong('kind', kind, `one of ${Object.keys(rules).join(', ')}`)
  const timeoutMs: unknown = Reflect.get(job, 'timeoutMs')
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 1 && timeoutMs <= longestMs))
    throw wrong('timeoutMs', timeoutMs, `a number from 1 to ${longestMs}`)
  for (const [name, rule] of Object.entries(fields)) {
    const value: unknown = Reflect.get(job, name)
    if (!holds(rule, value)) throw wrong(name, value, wants[rule])
  }
  return job as ProbeJob
}

function holds(rule: Rule, value: unknown): boolean {
  switch (rule) {
    case 'url':
      return typeof value === 'string' && URL.canParse(value) && new URL(value).protocol === 'http:'
    case 'text':
      return typeof value === 'string' && value !== ''
    case 'string':
      return typeof value === 'string'
    case 'port':
      return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535
    case 'transport':
      return value === 'udp' || value === 'tcp'
    case 'words':
      return (
        Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === 'string')
      )
  }
}

function wrong(field: string, value: unknown, want: string): JobProblem {
  return new JobProblem(
    `${field}: got ${value === undefined ? 'nothing' : JSON.stringify(value)}, want ${want}`,
  )
}
