/** DNS messages byte by byte (RFC 1035 section 4), so that a check can send what no library would write. */

/** Numbers of types that checks ask for (IANA "Resource Record (RR) TYPEs"). */
export const dnsTypes = {
  A: 1,
  NS: 2,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  SVCB: 64,
  HTTPS: 65,
  ANY: 255,
  CAA: 257,
  TYPE65280: 65_280,
} as const

/** Bits of the second header word. */
export const headerBits = { response: 0x8000, recursionDesired: 0x0100 } as const

export interface QueryInit {
  readonly name: string
  /** 0 to 65535; 1 unless told. */
  readonly id?: number
  /** A unless told. */
  readonly type?: number
  /** IN unless told. */
  readonly class?: number
  readonly opcode?: number
  /** True unless told. */
  readonly recursionDesired?: boolean
  /** Sets QR: a response, which nobody may answer. */
  readonly response?: boolean
  /** One OPT record each. */
  readonly opts?: readonly OptInit[]
  /** QDCOUNT when it is to differ from the questions that follow; the question is repeated so often. */
  readonly questions?: number
  /** After the end of the message. */
  readonly trailing?: Buffer
}

/** What an OPT record says (RFC 6891 section 6.1). */
export interface OptInit {
  /** UDP payload size; 1232 unless told. */
  readonly sizeBytes?: number
  readonly version?: number
  /** DO (0x8000) and the reserved Z bits. */
  readonly flags?: number
  readonly options?: readonly { readonly code: number; readonly data: Buffer }[]
}

/** One query in wire form. The name's case is kept. */
export function query(init: QueryInit): Buffer {
  const { name, type = dnsTypes.A, questions = 1, opts = [], trailing = Buffer.alloc(0) } = init
  const question = questionBytes(nameBytes(name), type, init.class ?? 1)
  return Buffer.concat([
    header(init, questions, opts.length),
    ...Array.from({ length: questions }, () => question),
    ...opts.map(optBytes),
    trailing,
  ])
}

/** A query whose name is given in wire form: for names that are none. */
export function queryWithName(id: number, name: Buffer, type: number = dnsTypes.A): Buffer {
  return Buffer.concat([header({ id }, 1, 0), questionBytes(name, type, 1)])
}

/** The question section of a message with one question whose name is not compressed, byte for byte. */
export function questionOf(message: Buffer): Buffer {
  let at = 12
  while (at < message.length && message[at] !== 0) at += (message[at] ?? 0) + 1
  return message.subarray(12, at + 5)
}

/** `a.example` as labels with their lengths; the last is the root's. */
export function nameBytes(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([...labels.map(label), Buffer.from([0])])
}

/** A label with its length before it, even when that is not allowed (over 63). */
export function label(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length & 0xff]), Buffer.from(text, 'latin1')])
}

/** With its length before it, as over TCP (RFC 1035 section 4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** Numbers from 0 up to 1 that a seed gives again and again: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The same name, each letter in a case that is drawn (0x20). */
export function recased(name: string, random: () => number): string {
  return name.replace(/[a-z]/gi, (letter) =>
    random() < 0.5 ? letter.toLowerCase() : letter.toUpperCase(),
  )
}

function header(
  { id = 1, opcode = 0, recursionDesired = true, response = false }: Partial<QueryInit>,
  questions: number,
  additional: number,
): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt16BE(
    (response ? headerBits.response : 0) |
      (opcode << 11) |
      (recursionDesired ? headerBits.recursionDesired : 0),
    2,
  )
  bytes.writeUInt16BE(questions, 4)
  bytes.writeUInt16BE(additional, 10)
  return bytes
}

function questionBytes(name: Buffer, type: number, dnsClass: number): Buffer {
  const fixed = Buffer.alloc(4)
  fixed.writeUInt16BE(type, 0)
  fixed.writeUInt16BE(dnsClass, 2)
  return Buffer.concat([name, fixed])
}

function optBytes({ sizeBytes = 1232, version = 0, flags = 0, options = [] }: OptInit): Buffer {
  const data = Buffer.concat(
    options.map(({ code, data }) => {
      const head = Buffer.alloc(4)
      head.writeUInt16BE(code, 0)
      head.writeUInt16BE(data.length, 2)
      return Buffer.concat([head, data])
    }),
  )
  const fixed = Buffer.alloc(11)
  fixed.writeUInt16BE(41, 1)
  fixed.writeUInt16BE(sizeBytes, 3)
  fixed[6] = version
  fixed.writeUInt16BE(flags, 7)
  fixed.writeUInt16BE(data.length, 9)
  return Buffer.concat([fixed, data])
}
