import { flag, headerBytes, responseCode } from '../wire/dns-constants.ts'
import { questionBytes, type Question } from '../wire/dns-ask.ts'
import { readAnswers } from '../wire/dns-answers.ts'
import { isEncodable, type Name } from '../wire/dns-name.ts'
import type { Query } from '../wire/dns-query.ts'
import type { ResourceRecord } from '../wire/dns-record.ts'
import type { Template } from '../wire/dns-writer.ts'
import { AnswerCache } from './answer-cache.ts'
import type { DnsCounters } from './counters.ts'
import type { Server } from './exchange.ts'
import { Upstreams } from './upstreams.ts'

/** Questions asked at the same time; what comes beyond gets SERVFAIL at once. */
const maxInFlight = 512

/** Askers that wait for these answers, some KiB each: equal questions of many count here, and in one above. */
const maxWaiting = 8192

export interface ForwarderInit {
  readonly servers: readonly Server[]
  readonly counters: DnsCounters
}

/** Everything outside the cluster's zone: from the cache, or from the upstream servers. */
export class Forwarder {
  readonly #counters: DnsCounters
  readonly #cache = new AnswerCache()
  /** Equal questions wait for one answer: that also ends loops through a server that asks us. */
  readonly #inFlight = new Map<string, Promise<Template | undefined>>()
  #waiting = 0
  #upstreams: Upstreams

  constructor({ servers, counters }: ForwarderInit) {
    this.#counters = counters
    this.#upstreams = this.#make(servers)
  }

  /** Whether there is anybody to ask. */
  get isOffered(): boolean {
    return this.#upstreams.count > 0
  }

  get cacheSize(): number {
    return this.#cache.size
  }

  /** Other servers from now on; what others said is forgotten. */
  use(servers: readonly Server[]): void {
    this.#upstreams.close()
    this.#upstreams = this.#make(servers)
    this.#cache.clear()
  }

  /** The node's addresses changed. */
  refresh(): void {
    this.#upstreams.refresh()
  }

  cached(query: Query): Template | undefined {
    const found = this.#cache.find(cacheKey(query.key, askedOf(query)))
    if (found !== undefined) this.#counters.cacheHits += 1
    return found
  }

  /** @returns undefined when nobody answered, or too many questions are open */
  async ask(message: Buffer, query: Query): Promise<Template | undefined> {
    const bytes = Buffer.from(message.subarray(headerBytes, query.questionEnd))
    return await this.#ask({ bytes, ...askedOf(query) }, query.key)
  }

  /** The records of a name, for an answer that begins elsewhere. SERVFAIL when nobody answered. */
  async records(
    name: Name,
    type: number,
  ): Promise<{ readonly code: number; readonly answers: readonly ResourceRecord[] }> {
    if (!this.isOffered || !isEncodable(name)) return { code: responseCode.SERVFAIL, answers: [] }
    const bytes = questionBytes(name, type)
    const asked = { dnssecOk: false, checkingDisabled: false }
    const key = bytes.toString('latin1')
    const template =
      this.#cache.find(cacheKey(key, asked)) ?? (await this.#ask({ bytes, ...asked }, key))
    if (template === undefined) return { code: responseCode.SERVFAIL, answers: [] }
    return { code: template.bytes.readUInt16BE(2) & 0xf, answers: readAnswers(template.bytes) }
  }

  close(): void {
    this.#upstreams.close()
  }

  async #ask(question: Question, questionKey: string): Promise<Template | undefined> {
    if (this.#waiting >= maxWaiting) return undefined
    this.#waiting += 1
    try {
      return await this.#shared(question, questionKey)
    } finally {
      this.#waiting -= 1
    }
  }

  async #shared(question: Question, questionKey: string): Promise<Template | undefined> {
    const key = cacheKey(questionKey, question)
    const open = this.#inFlight.get(key)
    if (open !== undefined) return await open
    if (this.#inFlight.size >= maxInFlight) return undefined
    this.#counters.forwarded += 1
    const answer = this.#upstreams
      .ask(question, questionKey)
      .then((found) => (found === undefined ? undefined : this.#cache.store(key, found)))
      .finally(() => this.#inFlight.delete(key))
    this.#inFlight.set(key, answer)
    return await answer
  }

  #make(servers: readonly Server[]): Upstreams {
    return new Upstreams(servers, (server) => this.#counters.upstreamFailed(server))
  }
}

type Asked = Pick<Question, 'dnssecOk' | 'checkingDisabled'>

function askedOf({ edns, flags }: Query): Asked {
  return {
    dnssecOk: edns?.dnssecOk ?? false,
    checkingDisabled: (flags & flag.checkingDisabled) !== 0,
  }
}

function cacheKey(key: string, { dnssecOk, checkingDisabled }: Asked): string {
  return `${dnssecOk ? 'd' : ''}${checkingDisabled ? 'c' : ''} ${key}`
}
