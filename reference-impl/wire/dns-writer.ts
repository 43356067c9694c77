import { isIPv6 } from 'node:net'
import { classIn, headerBytes, recordType } from './dns-constants.ts'
import type { Name } from './dns-name.ts'
import { readName } from './dns-name.ts'
import { keptBytes } from './kept-bytes.ts'
import type { RawData, RecordData, ResourceRecord } from './dns-record.ts'

/** The three sections that follow a question. */
export interface Sections {
  readonly answers: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
}

/** A response without ID, and without OPT: made once, sent many times. */
export interface Template {
  readonly bytes: Buffer
  readonly questionEnd: number
  /** Offset just past each record, in order of the message: where it may be cut. */
  readonly recordEnds: readonly number[]
}

/** Pointers reach no further (RFC 1035 §4.1.4). */
const maxPointer = 0x3fff

/** Largest message (RFC 1035 §4.2.2: two octets of length). */
const maxMessageBytes = 65_535

/**
 * Writes a response. Names are compressed against the question and each other, but for targets of SRV (RFC 2782).
 * Records that do not fit into 65,535 octets are left out from the end.
 * @param question - question section in wire form
 */
export function writeResponse(flags: number, question: Buffer, sections: Sections): Template {
  const writer = new Writer(flags, question)
  const recordEnds: number[] = []
  const { answers, authority, additional } = sections
  let full = false
  for (const [at, records] of [
    [6, answers],
    [8, authority],
    [10, additional],
  ] as const) {
    let written = 0
    for (const record of records) {
      const end: number | undefined = full ? undefined : writer.record(record)
      full = end === undefined
      if (end === undefined) break
      recordEnds.push(end)
      written += 1
    }
    writer.count(at, written)
  }
  return { bytes: writer.bytes(), questionEnd: headerBytes + question.length, recordEnds }
}

class Writer {
  #bytes = Buffer.allocUnsafe(1024)
  #at: number
  readonly #offsets = new Map<string, number>()

  constructor(flags: number, question: Buffer) {
    this.#bytes.fill(0, 0, headerBytes)
    this.#bytes.writeUInt16BE(flags, 2)
    this.#bytes.writeUInt16BE(1, 4)
    question.copy(this.#bytes, headerBytes)
    this.#at = headerBytes + question.length
    this.#remember(readName(this.#bytes, headerBytes) ?? [], headerBytes)
  }

  bytes(): Buffer {
    return keptBytes(this.#bytes.subarray(0, this.#at))
  }

  count(at: number, value: number): void {
    this.#bytes.writeUInt16BE(value, at)
  }

  /** @returns offset past the record; undefined when the message would become too long */
  record({ name, ttlSeconds, data }: ResourceRecord): number | undefined {
    const start = this.#at
    this.#name(name)
    this.#reserve(10)
    this.#word(data.type === 'raw' ? data.code : recordType[data.type])
    this.#word(classIn)
    this.#at = this.#bytes.writeUInt32BE(ttlSeconds, this.#at)
    const lengthAt = this.#at
    this.#at += 2
    this.#data(data)
    if (this.#at > maxMessageBytes) {
      this.#at = start
      return undefined
    }
    this.#bytes.writeUInt16BE(this.#at - lengthAt - 2, lengthAt)
    return this.#at
  }

  #data(data: RecordData | RawData): void {
    switch (data.type) {
      case 'raw':
        this.#reserve(data.bytes.length)
        this.#at += data.bytes.copy(this.#bytes, this.#at)
        return
      case 'A':
        this.#reserve(4)
        for (const part of data.address.split('.')) this.#octet(Number(part))
        return
      case 'AAAA':
        this.#reserve(16)
        for (const group of ipv6Groups(data.address)) this.#word(group)
        return
      case 'CNAME':
      case 'PTR':
      case 'NS':
        this.#name(data.target)
        return
      case 'SRV':
        this.#reserve(6)
        this.#word(data.priority)
        this.#word(data.weight)
        this.#word(data.port)
        this.#plainName(data.target)
        return
      case 'TXT':
        this.#text(data.text)
        return
      case 'HINFO':
        this.#text(data.cpu)
        this.#text(data.os)
        return
      case 'SOA':
        this.#name(data.primary)
        this.#name(data.mailbox)
        this.#reserve(20)
        for (const value of [
          data.serial,
          data.refreshSeconds,
          data.retrySeconds,
          data.expireSeconds,
          data.minimumSeconds,
        ])
          this.#at = this.#bytes.writeUInt32BE(value, this.#at)
    }
  }

  #name(name: Name): void {
    for (let i = 0; i < name.length; i += 1) {
      const known = this.#offsets.get(suffixKey(name, i))
      if (known !== undefined) {
        this.#reserve(2)
        this.#word(0xc000 | known)
        return
      }
      if (this.#at <= maxPointer) this.#offsets.set(suffixKey(name, i), this.#at)
      this.#label(name[i] ?? '')
    }
    this.#reserve(1)
    this.#octet(0)
  }

  #plainName(name: Name): void {
    for (const label of name) this.#label(label)
    this.#reserve(1)
    this.#octet(0)
  }

  #label(label: string): void {
    this.#reserve(label.length + 1)
    this.#octet(label.length)
    this.#at += this.#bytes.write(label, this.#at, 'latin1')
  }

  /** One character string of at most 255 octets (RFC 1035 §3.3). */
  #text(text: string): void {
    this.#reserve(text.length + 1)
    this.#octet(text.length)
    this.#at += this.#bytes.write(text, this.#at, 'latin1')
  }

  #octet(value: number): void {
    this.#bytes[this.#at] = value
    this.#at += 1
  }

  #word(value: number): void {
    this.#at = this.#bytes.writeUInt16BE(value, this.#at)
  }

  /** Takes a name as written in the question: every suffix of it can be pointed to. */
  #remember(name: Name, from: number): void {
    let at = from
    const strange = name.findLastIndex((label) => label.includes('\0'))
    for (let i = 0; i < name.length; i += 1) {
      if (i > strange) this.#offsets.set(suffixKey(name, i), at)
      at += (name[i]?.length ?? 0) + 1
    }
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + size))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

/** Names that hold a NUL are never remembered, so that two different names never share a key. */
function suffixKey(name: Name, from: number): string {
  return from === 0 ? name.join('\0') : name.slice(from).join('\0')
}

/** The eight groups of an IPv6 address in any text form of RFC 4291 §2.2. */
function ipv6Groups(address: string): readonly number[] {
  if (!isIPv6(address)) return new Array<number>(8).fill(0)
  const [plain = ''] = address.split('%')
  const [head = '', tail] = plain.split('::')
  const front = groups(head)
  if (tail === undefined) return front
  const back = groups(tail)
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
}

function groups(text: string): readonly number[] {
  return text
    .split(':')
    .filter((part) => part !== '')
    .flatMap((part) => {
      if (!part.includes('.')) return [Number.parseInt(part, 16)]
      const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
      return [a * 256 + b, c * 256 + d]
    })
}
