import { type Behaviour, wellBehaved } from './behaviour.ts'

/** An order that makes no sense. */
export class BehaviourProblem extends Error {}

type Fields = Readonly<Record<string, unknown>>

type Rule = (value: unknown) => string | undefined

const flag: Rule = (value) => (typeof value === 'boolean' ? undefined : 'true or false')

const number =
  (least: number, most: number): Rule =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : `a whole number, ${least} to ${most}`

const text: Rule = (value) => (typeof value === 'string' ? undefined : 'a string')

const present: Rule = (value) => (value === undefined ? 'something' : undefined)

const oneOf =
  (...names: readonly string[]): Rule =>
  (value) =>
    typeof value === 'string' && names.includes(value) ? undefined : `one of ${names.join(', ')}`

const listOf =
  (rule: (value: unknown, at: string) => void): Rule =>
  (value) => {
    if (!Array.isArray(value)) return 'a list'
    value.forEach((one, index) => {
      rule(one, `[${index}]`)
    })
    return undefined
  }

const longestDelayMs = 600_000
const stream = { refuse: flag, blackhole: flag }

const record = { name: text, type: text, ttl: number(0, 2 ** 31 - 1), data: present }

const serverAddress: Rule = (value) =>
  typeof value === 'string' && /^[0-9.]+:[0-9]+$/.test(value) ? undefined : 'IPv4:PORT'

const dnsRule = {
  name: text,
  type: text,
  transport: oneOf('udp', 'tcp'),
  times: number(0, 1_000_000),
  blackhole: flag,
  delayMs: number(0, longestDelayMs),
  rcode: oneOf('NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'),
  truncate: flag,
  forge: oneOf('id', 'question', 'source-port'),
  relay: serverAddress,
  trueAfterMs: number(-1, longestDelayMs),
}

const rules: Readonly<Record<keyof Behaviour, Readonly<Record<string, Rule>>>> = {
  http: { ...stream, status: number(200, 599), delayMs: number(0, longestDelayMs) },
  tcp: stream,
  command: stream,
  udp: { refuse: flag, blackhole: flag, delayMs: number(0, longestDelayMs) },
  dns: {
    records: listOf((one, at) => {
      check(one, `dns.records${at}`, record)
      for (const key of ['name', 'type', 'data'])
        if (!(key in Object(one))) throw new BehaviourProblem(`dns.records${at}.${key}: missing`)
    }),
    rules: listOf((one, at) => {
      check(one, `dns.rules${at}`, dnsRule)
    }),
    transports: listOf((one, at) => {
      check({ one }, `dns.transports${at}`, { one: oneOf('udp', 'tcp') })
    }),
  },
}

/**
 * Reads an order: the parts that it names replace those in force, null makes one well-behaved again.
 * @throws BehaviourProblem that says where, what came and what was wanted
 */
export function parseBehaviour(value: unknown, now: Behaviour): Behaviour {
  check(value, 'behaviour', Object.fromEntries(Object.keys(rules).map((key) => [key, present])))
  const order = value as { readonly [Key in keyof Behaviour]?: Behaviour[Key] | null }
  let next = now
  for (const key of ['http', 'tcp', 'command', 'udp', 'dns'] as const) {
    if (order[key] === undefined) continue
    if (order[key] !== null) check(order[key], key, rules[key])
    next = { ...next, [key]: order[key] ?? wellBehaved[key] }
  }
  return next
}

function check(value: unknown, at: string, known: Readonly<Record<string, Rule>>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BehaviourProblem(`${at}: got ${JSON.stringify(value)}, want an object`)
  for (const [key, one] of Object.entries(value as Fields)) {
    const rule = known[key]
    if (rule === undefined)
      throw new BehaviourProblem(
        `${at}.${key}: unknown key; want one of ${Object.keys(known).join(', ')}`,
      )
    const want = rule(one)
    if (want !== undefined)
      throw new BehaviourProblem(`${at}.${key}: got ${JSON.stringify(one)}, want ${want}`)
  }
}
