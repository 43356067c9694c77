import { recordType, responseCode } from '../wire/dns-constants.ts'
import type { Name } from '../wire/dns-name.ts'
import type { ResourceRecord } from '../wire/dns-record.ts'
import type { Sections } from '../wire/dns-writer.ts'
import type { Forwarder } from './forwarder.ts'
import type { Zone } from './zone.ts'

/** ExternalName to ExternalName to ...: further than this is a loop. */
const maxAliases = 8

export interface AliasStart {
  readonly target: Name
  /** The CNAME that led to it. */
  readonly records: readonly ResourceRecord[]
}

/**
 * Goes on where an ExternalName Service points to: in the zone itself, or at the upstream servers. CNAMEs come first,
 * the response code is that of the last name (RFC 1034 §4.3.2, RFC 6604 §2.1); SERVFAIL when nobody knows it.
 */
export async function followAlias(
  zone: Zone,
  forwarder: Forwarder,
  type: number,
  start: AliasStart,
): Promise<Sections & { readonly code: number }> {
  const answers = [...start.records]
  let { target } = start
  const done = (code: number, rest: Partial<Sections> = {}): Sections & { code: number } => ({
    code,
    answers: [...answers, ...(rest.answers ?? [])],
    authority: rest.authority ?? [],
    additional: [],
  })
  if (type === recordType.CNAME || type === recordType.ANY) return done(responseCode.NOERROR)
  for (let i = 0; i < maxAliases; i += 1) {
    const next = zone.lookUp(target, type)
    if (next.kind === 'records') return done(next.code, next)
    if (next.kind === 'not-ours') {
      const found = await forwarder.records(target, type)
      return done(found.code, { answers: found.answers })
    }
    answers.push(next.record)
    target = next.target
  }
  return done(responseCode.SERVFAIL)
}
