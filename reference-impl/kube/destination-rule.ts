/**
 * DestinationRules (networking.istio.io/v1): read from JSON that may be anything. What is not understood leaves the
 * default policy in force and becomes a note for people; nothing here throws.
 */
import type { BalancePolicy, DestinationRuleView, HashKey } from './snapshot.ts'

type Fields = Readonly<Record<string, unknown>>

/** One log line has to hold them. */
const maxNotes = 12

/** Where notes are collected. */
type Note = (text: string) => void

/** @returns undefined when the object has no name or no namespace */
export function destinationRule(object: unknown): DestinationRuleView | undefined {
  const { metadata, spec } = fields(object)
  const { name, namespace, creationTimestamp } = fields(metadata)
  if (!isText(name) || !isText(namespace)) return undefined
  const notes = new Set<string>()
  const note: Note = (text) => void notes.add(text)
  const said = fieldsOrNote(spec, 'spec', note)
  const identity = {
    namespace,
    name,
    created: isText(creationTimestamp) ? creationTimestamp : '',
    host: hostOf(said, note),
  }
  // why: a rule that is meant for some clients only must not change what all others get
  if (said['workloadSelector'] !== undefined && said['workloadSelector'] !== null) {
    note('workloadSelector: it is for some clients only, so it is not applied at all')
    return { ...identity, policy: 'round-robin', ports: [], notes: [...notes].slice(0, maxNotes) }
  }
  if (isFilled(said['subsets'])) note('subsets: only a VirtualService leads to them')
  if (isFilled(said['exportTo'])) note('exportTo: a rule counts in its own namespace only')
  noteUnknown(said, knownInSpec, '', note)
  const traffic = fieldsOrNote(said['trafficPolicy'], 'trafficPolicy', note)
  noteUnknown(traffic, knownInPolicy, 'trafficPolicy.', note)
  return {
    ...identity,
    policy: policyOf(traffic['loadBalancer'], 'loadBalancer', note),
    ports: portPolicies(traffic['portLevelSettings'], note),
    notes: [...notes].slice(0, maxNotes),
  }
}

const knownInSpec = ['host', 'trafficPolicy', 'subsets', 'exportTo', 'workloadSelector']
const knownInPolicy = ['loadBalancer', 'portLevelSettings']
const knownInPort = ['port', 'loadBalancer']
const knownInBalancer = ['simple', 'consistentHash']
const keys = ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'] as const

function hostOf({ host }: Fields, note: Note): string {
  if (isText(host)) return host.trim().toLowerCase()
  note(
    host === undefined
      ? 'host is missing: taken for the Service of the same name'
      : notA('host', host, 'text'),
  )
  return ''
}

function portPolicies(value: unknown, note: Note): DestinationRuleView['ports'] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    note(notA('portLevelSettings', value, 'list'))
    return []
  }
  return (value as readonly unknown[]).flatMap((item) => {
    const settings = fieldsOrNote(item, 'portLevelSettings[]', note)
    const { number } = fields(settings['port'])
    noteUnknown(settings, knownInPort, 'portLevelSettings[].', note)
    if (!Number.isInteger(number)) {
      note('portLevelSettings[].port has no number')
      return []
    }
    const policy = policyOf(settings['loadBalancer'], 'portLevelSettings[].loadBalancer', note)
    return [{ port: number as number, policy }]
  })
}

function policyOf(value: unknown, where: string, note: Note): BalancePolicy {
  if (value === undefined || value === null) return 'round-robin'
  const balancer = fieldsOrNote(value, where, note)
  noteUnknown(balancer, knownInBalancer, `${where}.`, note)
  const { simple, consistentHash } = balancer
  const hasSimple = simple !== undefined && simple !== null
  if (consistentHash === undefined || consistentHash === null)
    return hasSimple ? simplePolicy(simple, `${where}.simple`, note) : 'round-robin'
  if (hasSimple) {
    note(`${where}: simple and consistentHash exclude each other`)
    return 'round-robin'
  }
  return hashPolicy(consistentHash, `${where}.consistentHash`, note) ?? 'round-robin'
}

function simplePolicy(value: unknown, where: string, note: Note): BalancePolicy {
  switch (value) {
    case 'UNSPECIFIED':
    case 'ROUND_ROBIN':
      return 'round-robin'
    case 'RANDOM':
      return 'random'
    case 'LEAST_REQUEST':
    case 'LEAST_CONN':
      return 'least-request'
    case 'PASSTHROUGH':
      note(`${where} PASSTHROUGH: a ClusterIP leads nowhere by itself`)
      return 'round-robin'
    default:
      note(`${where} ${shown(value)} is no known policy`)
      return 'round-robin'
  }
}

function hashPolicy(value: unknown, where: string, note: Note): HashKey | undefined {
  const hash = fieldsOrNote(value, where, note)
  // why: table sizes change how evenly keys spread, not where a policy leads; ours is fixed
  const ignored = ['ringHash', 'maglev', 'minimumRingSize'].filter((name) => isFilled(hash[name]))
  if (ignored.length > 0) note(`${where}.${ignored.join('/')}: the table has a fixed size`)
  noteUnknown(hash, [...keys, 'ringHash', 'maglev', 'minimumRingSize'], `${where}.`, note)
  const given = keys.filter(
    (key) => hash[key] !== undefined && hash[key] !== null && hash[key] !== false,
  )
  const [key] = given
  if (key === undefined || given.length > 1) {
    note(`${where} has ${given.length} keys instead of one of ${keys.join(', ')}`)
    return undefined
  }
  const found = hashKey(key, hash[key], `${where}.${key}`, note)
  if (found === undefined) note(`${where}.${key}: ${shown(hash[key])} is no usable key`)
  return found
}

function hashKey(
  key: (typeof keys)[number],
  value: unknown,
  where: string,
  note: Note,
): HashKey | undefined {
  switch (key) {
    case 'useSourceIp':
      return value === true ? { kind: 'source-address' } : undefined
    case 'httpHeaderName':
      return isToken(value) ? { kind: 'header', name: value.toLowerCase() } : undefined
    case 'httpQueryParameterName':
      return isText(value) ? { kind: 'query', name: value } : undefined
    case 'httpCookie':
      return cookieKey(fields(value), where, note)
  }
}

/** Name, path and time go into a Set-Cookie field (RFC 6265 §4.1.1): what does not belong there is left out. */
function cookieKey(
  { name, path, ttl, ...others }: Fields,
  where: string,
  note: Note,
): HashKey | undefined {
  if (!isToken(name)) return undefined
  noteUnknown(others, [], `${where}.`, note)
  const ttlSeconds = durationSeconds(ttl)
  if (ttlSeconds === undefined) note(`${where}.ttl: ${shown(ttl)} is not a duration, taken for 0s`)
  const isPath = isText(path) && /^\/[\x20-\x3a\x3c-\x7e]*$/.test(path)
  if (isFilled(path) && !isPath) note(`${where}.path: ${shown(path)} is not a path, left out`)
  return { kind: 'cookie', name, ttlSeconds: ttlSeconds ?? 0, ...(isPath && { path }) }
}

const unitSeconds = { h: 3600, m: 60, s: 1, ms: 0.001 } as const

/** `1h30m`, `0.5s`; rounded up to whole seconds, as Max-Age knows no others. Undefined when it is not a duration. */
function durationSeconds(value: unknown): number | undefined {
  if (!isText(value) || !/^(\d{1,9}(\.\d{1,9})?(h|ms|m|s))+$/.test(value)) return undefined
  let seconds = 0
  for (const [, number = '', unit = 's'] of value.matchAll(/([\d.]+)(h|ms|m|s)/g))
    seconds += Number(number) * unitSeconds[unit as keyof typeof unitSeconds]
  return Math.ceil(seconds)
}

function noteUnknown(value: Fields, known: readonly string[], where: string, note: Note): void {
  for (const [name, one] of Object.entries(value))
    if (!known.includes(name) && one !== null) note(`${where}${name.slice(0, 60)} is not supported`)
}

function fieldsOrNote(value: unknown, where: string, note: Note): Fields {
  if (isFields(value)) return value
  if (value !== undefined && value !== null) note(notA(where, value, 'map'))
  return {}
}

function notA(where: string, value: unknown, wanted: string): string {
  return `${where} is ${shown(value)}, not a ${wanted}`
}

/** Short enough for a log line. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  return (text ?? 'absent').slice(0, 60)
}

function fields(value: unknown): Fields {
  return isFields(value) ? value : {}
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isFilled(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
}

/** Names of header fields and of cookies (RFC 9110 §5.6.2). */
function isToken(value: unknown): value is string {
  return isText(value) && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/.test(value)
}
