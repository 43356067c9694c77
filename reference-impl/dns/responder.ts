import type { Snapshot } from '../kube/snapshot.ts'
import { classIn, flag, headerBytes, recordType, responseCode } from '../wire/dns-constants.ts'
import { endsWith, nameOf, readName, type Name } from '../wire/dns-name.ts'
import { parseQuery, type BadQuery, type Query } from '../wire/dns-query.ts'
import { badVersionReply, bareReply, reply, sizeLimit } from '../wire/dns-reply.ts'
import { keptBytes } from '../wire/kept-bytes.ts'
import { writeResponse, type Sections, type Template } from '../wire/dns-writer.ts'
import type { DnsCounters } from './counters.ts'
import type { Forwarder } from './forwarder.ts'
import { addressOfPointerName } from './pointers.ts'
import { followAlias } from './alias.ts'
import { TemplateStore } from './template-store.ts'
import { Zone, type ZoneSettings } from './zone.ts'

export interface ResponderInit extends ZoneSettings {
  readonly forwarder: Forwarder
  readonly counters: DnsCounters
}

/** An answer, one that has to be asked for elsewhere first, or none at all. */
export type Reply = Buffer | Promise<Buffer | undefined> | undefined

const noSections: Sections = { answers: [], authority: [], additional: [] }

/** One query in, one answer out: from the zone, from the cache of the zone's answers, or from the upstream servers. */
export class Responder {
  readonly #init: ResponderInit
  readonly #domain: Name
  readonly #templates = new TemplateStore()
  #zone: Zone | undefined
  #serial = 0

  constructor(init: ResponderInit) {
    this.#init = init
    this.#domain = nameOf(init.domain)
  }

  /** Answers follow `snapshot` from now on. Before the first one, names of the zone get SERVFAIL. */
  update(snapshot: Snapshot): void {
    this.#serial = Math.max(this.#serial + 1, Math.floor(Date.now() / 1000))
    this.#zone = new Zone(snapshot, this.#init, this.#serial)
    this.#templates.clear()
  }

  respond(message: Buffer, overTcp: boolean): Reply {
    const query = parseQuery(message)
    if (query === undefined) return undefined
    if (query.kind === 'bad') return this.#bare(message, query)
    const { edns } = query
    if (edns !== undefined && edns.version > 0) {
      this.#init.counters.answered(responseCode.BADVERS)
      return badVersionReply(message, query, edns)
    }
    const limit = sizeLimit(edns, overTcp)
    const known = this.#templates.get(query.key)
    if (known !== undefined) return this.#send(known, message, query, limit)
    return this.#resolve(message, query, limit)
  }

  #resolve(message: Buffer, query: Query, limit: number): Reply {
    if (query.class !== classIn || query.type === recordType.AXFR || query.type === recordType.IXFR)
      return this.#send(this.#code(message, query, responseCode.REFUSED), message, query, limit)
    const name = readName(message, headerBytes) ?? []
    if (this.#zone === undefined) {
      if (endsWith(name, this.#domain) || addressOfPointerName(name) !== undefined)
        return this.#send(this.#code(message, query, responseCode.SERVFAIL), message, query, limit)
      return this.#forward(message, query, limit)
    }
    const answer = this.#zone.lookUp(name, query.type)
    if (answer.kind === 'not-ours') return this.#forward(message, query, limit)
    if (answer.kind === 'records') {
      const template = this.#template(message, query, answer.code, answer)
      this.#templates.keep(query.key, template)
      return this.#send(template, message, query, limit)
    }
    return this.#alias(
      askOf(message, query),
      query,
      limit,
      this.#zone,
      answer.target,
      answer.record,
    )
  }

  async #alias(
    message: Buffer,
    query: Query,
    limit: number,
    zone: Zone,
    target: Name,
    record: Sections['answers'][number],
  ): Promise<Buffer> {
    const { code, ...sections } = await followAlias(zone, this.#init.forwarder, query.type, {
      target,
      records: [record],
    })
    return this.#send(this.#template(message, query, code, sections), message, query, limit)
  }

  #forward(message: Buffer, query: Query, limit: number): Reply {
    const { forwarder } = this.#init
    if (!forwarder.isOffered)
      return this.#send(this.#code(message, query, responseCode.REFUSED), message, query, limit)
    const cached = forwarder.cached(query)
    if (cached !== undefined) return this.#send(cached, message, query, limit)
    const waiting = askOf(message, query)
    return forwarder.ask(waiting, query).then((answer) => {
      const template = answer ?? this.#code(waiting, query, responseCode.SERVFAIL)
      return this.#send(template, waiting, query, limit)
    })
  }

  #send(template: Template, message: Buffer, query: Query, limit: number): Buffer {
    this.#init.counters.answered((template.bytes[3] as number) & 0xf)
    return reply(template, message, query, limit)
  }

  #bare(message: Buffer, query: BadQuery): Buffer {
    this.#init.counters.answered(query.code)
    return bareReply(message, query)
  }

  #code(message: Buffer, query: Query, code: number): Template {
    return writeResponse(this.#flags(code, false), questionOf(message, query), noSections)
  }

  #template(message: Buffer, query: Query, code: number, sections: Sections): Template {
    return writeResponse(this.#flags(code, true), questionOf(message, query), sections)
  }

  #flags(code: number, authoritative: boolean): number {
    return (
      flag.response |
      (authoritative ? flag.authoritative : 0) |
      (this.#init.forwarder.isOffered ? flag.recursionAvailable : 0) |
      code
    )
  }
}

/** What is kept of a message while others are asked: a stranger's datagram has up to 64 KiB. */
function askOf(message: Buffer, { questionEnd }: Query): Buffer {
  return keptBytes(message.subarray(0, questionEnd))
}

function questionOf(message: Buffer, { questionEnd }: Query): Buffer {
  return message.subarray(headerBytes, questionEnd)
}
