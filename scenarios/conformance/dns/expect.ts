import { isDeepStrictEqual } from 'node:util'
import type { CheckContext, Observation } from '../../../harness/api.ts'
import { askUntil, dataOf, describeAnswer, type DnsAnswer, type Question } from '../support/dns.ts'
import type { Judgement } from '../support/judgement.ts'

/** How long a conformant target may take to know what the API server knows (DNSF-001), in ms. */
export const knownMs = 35_000

export interface Wanted {
  /** Type of the records that are compared; the question's own unless told. */
  readonly type?: string
  /** Exactly these, in any order, names without the last dot. */
  readonly data: readonly string[]
  readonly withinMs?: number
}

/** Asks until NOERROR and exactly the wanted records come, and judges what was seen last. */
export async function expectRecords(
  context: CheckContext,
  judgement: Judgement,
  question: Question,
  { type = question.type ?? 'A', data, withinMs = knownMs }: Wanted,
): Promise<Observation> {
  const wanted = [...data].sort()
  const { seen } = await askUntil(
    context,
    question,
    (answer) => answer.rcode === 'NOERROR' && sameData(answer, type, wanted),
    patience(judgement, withinMs),
  )
  const label = labelOf(question)
  judgement.equal(`${label}: response code`, 'NOERROR', codeOf(seen))
  judgement.set(`${label}: ${type} records`, wanted, dataOf(seen, type).map(plain))
  return seen
}

/**
 * Asks until the name does not exist (NXDOMAIN), or exists without records of this type (NODATA: NOERROR and an empty
 * answer section, RFC 2308 section 2.2), and judges what was seen last. The target has to know the objects by then
 * (`fixtureKnown`), or nothing follows from it.
 */
export async function expectNone(
  context: CheckContext,
  judgement: Judgement,
  question: Question,
  kind: 'NXDOMAIN' | 'NODATA',
  withinMs: number = negativeMs,
): Promise<Observation> {
  const code = kind === 'NODATA' ? 'NOERROR' : kind
  const { seen } = await askUntil(
    context,
    question,
    ({ rcode, answers }) => rcode === code && answers.length === 0,
    patience(judgement, withinMs),
  )
  const label = labelOf(question)
  judgement.equal(`${label}: response code`, code, codeOf(seen))
  judgement.set(`${label}: answers`, [], answersOf(seen))
  return seen
}

/** How long to wait: once something was wrong, what else is looked at is looked at once. */
export function patience({ ok }: Judgement, withinMs: number = knownMs): number {
  return ok ? withinMs : 0
}

/** RFC 2308 section 3: the authority section of a negative answer has the zone's SOA. */
export function judgeSoa(
  { cluster }: Pick<CheckContext, 'cluster'>,
  judgement: Judgement,
  label: string,
  seen: Observation,
): void {
  const owners =
    seen.kind === 'dns'
      ? seen.authorities.filter(({ type }) => type === 'SOA').map(({ name }) => plain(name))
      : []
  judgement.set(`${label}: SOA in the authority section`, [cluster.topology.clusterDomain], owners)
}

/** The response code, or what came instead of an answer. */
export function codeOf(seen: Observation): string {
  return seen.kind === 'dns' ? seen.rcode : describeAnswer(seen)
}

/** Name without the last dot, in lower case: names are compared so (RFC 4343). */
export function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** Data of SRV records: `priority weight port target`. */
export interface SrvData {
  readonly port: number
  readonly target: string
}

export function srvOf(seen: Observation): readonly SrvData[] {
  return dataOf(seen, 'SRV').map((data) => {
    const [, , port = '', target = ''] = data.split(' ')
    return { port: Number(port), target: plain(target) }
  })
}

/** `7.0.96.10.in-addr.arpa` of 10.96.0.7, 32 nibbles below ip6.arpa for IPv6 (RFC 1035 §3.5, RFC 3596 §2.5). */
export function pointerName(address: string): string {
  if (!address.includes(':')) return [...address.split('.').reverse(), 'in-addr', 'arpa'].join('.')
  const [head = '', tail] = address.split('::')
  const groups = (part: string): readonly string[] => part.split(':').filter((one) => one !== '')
  const [front, back] = [groups(head), groups(tail ?? '')]
  const zeros = new Array<string>(8 - front.length - back.length).fill('0')
  const nibbles = [...front, ...zeros, ...back].map((group) => group.padStart(4, '0')).join('')
  return [...Array.from(nibbles).reverse(), 'ip6', 'arpa'].join('.')
}

/** Once the target knows the newest object, a wrong negative answer lasts no longer than its cached one. */
const negativeMs = 5_000

function sameData(answer: DnsAnswer, type: string, wanted: readonly string[]): boolean {
  return isDeepStrictEqual(dataOf(answer, type).map(plain).sort(), wanted)
}

function labelOf({ name, type = 'A', transport = 'udp' }: Question): string {
  return `${name} ${type}${transport === 'tcp' ? ' over TCP' : ''}`
}

function answersOf(seen: Observation): readonly string[] {
  return seen.kind === 'dns' ? seen.answers.map(({ type, data }) => `${type} ${data}`) : []
}
