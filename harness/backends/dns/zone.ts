import { isIP } from 'node:net'
import packet, { type Answer } from 'dns-packet'
import { BehaviourProblem } from '../parse-behaviour.ts'
import type { DnsZoneRecord } from './behaviour.ts'

/** What a zone says about a name and type. */
export interface ZoneAnswer {
  readonly rcode: 'NOERROR' | 'NXDOMAIN'
  readonly answers: readonly Answer[]
  /** The SOA of the closest zone, when there is nothing (RFC 2308). */
  readonly authorities: readonly Answer[]
}

export type Zone = (name: string, type: string) => ZoneAnswer

/** A chain of CNAMEs is followed so far. */
const longestChain = 8

const defaultTtl = 30

/**
 * Names are found without regard to case. A name that nobody knows is NXDOMAIN; one that has only other types is NOERROR
 * without answers. CNAMEs are followed within the records.
 * @throws BehaviourProblem for a record that cannot be put into a packet
 */
export function zone(records: readonly DnsZoneRecord[]): Zone {
  const all = records.map(toAnswer)
  const at = (name: string): readonly Answer[] => {
    const exact = all.filter((one) => plain(one.name) === plain(name))
    if (exact.length > 0) return exact
    return all
      .filter((one) => one.name.startsWith('*.') && plain(name).endsWith(plain(one.name).slice(1)))
      .map((one) => ({ ...one, name }))
  }
  return (name, type) => {
    const answers: Answer[] = []
    let owner = name
    for (let step = 0; step < longestChain; step += 1) {
      const found = at(owner)
      // why: the answer bears the name as it was asked for, as name servers' compression makes it
      const fitting = found
        .filter((one) => one.type === type || type === 'ANY')
        .map((one) => ({ ...one, name: owner }))
      const alias = found.find((one) => one.type === 'CNAME')
      if (fitting.length > 0 || alias?.type !== 'CNAME') {
        const all = [...answers, ...fitting]
        if (all.length > answers.length) return { rcode: 'NOERROR', answers: all, authorities: [] }
        const rcode = found.length > 0 || hasBelow(owner) ? 'NOERROR' : 'NXDOMAIN'
        return { rcode, answers, authorities: soaOf(owner) }
      }
      answers.push({ ...alias, name: owner })
      owner = alias.data
    }
    return { rcode: 'NOERROR', answers, authorities: [] }
  }

  /** Is it an empty non-terminal (RFC 8020)? */
  function hasBelow(name: string): boolean {
    return all.some((one) => plain(one.name).endsWith(`.${plain(name)}`))
  }

  function soaOf(name: string): readonly Answer[] {
    const zones = all
      .filter((one) => one.type === 'SOA' && `.${plain(name)}`.endsWith(`.${plain(one.name)}`))
      .sort((one, other) => other.name.length - one.name.length)
    return zones.slice(0, 1)
  }
}

function toAnswer({ name, type, ttl = defaultTtl, data }: DnsZoneRecord, index: number): Answer {
  const record = { name: name.replace(/\.$/, ''), type, class: 'IN', ttl, data } as Answer
  try {
    // why: dns-packet writes whatever it gets here
    const family = { A: 4, AAAA: 6 }[type]
    if (family !== undefined && isIP(String(data)) !== family) throw new Error('no address')
    packet.encode({ type: 'response', answers: [record] })
  } catch (error) {
    throw new BehaviourProblem(
      `dns.records[${index}]: got ${JSON.stringify({ type, data })}, which is no record: ${String(error)}`,
    )
  }
  return record
}

export function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
