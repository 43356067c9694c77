import { badNames, mutation } from '../../../scenarios/conformance/support/dns-mutations.ts'
import {
  dnsTypes,
  framed,
  nameBytes,
  type OptInit,
  query,
  queryWithName,
  recased,
} from '../../../scenarios/conformance/support/dns-packets.ts'

/** DNS packets that nobody should send, the same again for the same numbers. */

/** EDNS options (IANA "DNS EDNS0 Option Codes"): NSID, client subnet, COOKIE, keepalive, padding, and one of nobody. */
const optionCodes = [3, 8, 10, 11, 12, 65_001] as const

const opcodes = { status: 2, notify: 4, update: 5 } as const
const classes = { chaos: 3, any: 255 } as const
const transfers = { ixfr: 251, axfr: 252 } as const

/** Names that the target knows, that do not exist, and of the world outside. */
export interface Names {
  /** `soak.default.svc.cluster.local` */
  readonly service: string
  /** `7.0.96.10.in-addr.arpa` */
  readonly pointer: string
}

/** Valid queries of all kinds, which mutations start from. */
export function validQueries({ service, pointer }: Names): readonly Buffer[] {
  const zone = service.split('.').slice(3).join('.')
  const names = [
    service,
    `_http-0._tcp.${service}`,
    `missing.${service}`,
    zone,
    pointer,
    'www.example.org',
    `${'a'.repeat(63)}.${service}`,
  ]
  const opts: readonly OptInit[] = [
    {},
    { sizeBytes: 0 },
    { sizeBytes: 65_535, flags: 0xffff },
    { version: 1 },
    ...optionCodes.map((code) => ({ options: [{ code, data: Buffer.alloc(code % 16, 0x5a) }] })),
  ]
  return [
    ...names.flatMap((name) => Object.values(dnsTypes).map((type) => query({ name, type }))),
    ...opts.map((opt) => query({ name: service, opts: [opt] })),
    query({ name: service, opts: [{}, {}] }),
    query({ name: service, questions: 0 }),
    query({ name: service, questions: 3 }),
    query({ name: service, response: true }),
    query({ name: service, trailing: Buffer.alloc(300, 0xc0) }),
    ...Object.values(opcodes).map((opcode) => query({ name: service, opcode })),
    ...Object.values(classes).map((of) => query({ name: service, class: of })),
    ...Object.values(transfers).map((type) => query({ name: zone, type })),
  ]
}

/** Where counts of the header, and the length of the first label, are found. */
const countOffsets = [4, 6, 8, 10, 12] as const
const longestRandom = 1_200

/** Draws one packet: most are mutations, some have bad names, bad counts, or nothing of DNS at all. */
export function hostilePacket(valid: readonly Buffer[], random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  const kind = below(10)
  if (kind === 0)
    return Buffer.from(Array.from({ length: below(below(longestRandom) + 1) }, () => below(256)))
  if (kind === 1)
    return queryWithName(below(65_536), badNames[below(badNames.length)] ?? Buffer.of())
  if (kind === 2) {
    const bytes = Buffer.from(valid[below(valid.length)] ?? [])
    const at = countOffsets[below(countOffsets.length)] ?? 4
    if (at + 2 <= bytes.length) bytes.writeUInt16BE(below(2) === 0 ? 65_535 : below(65_536), at)
    return bytes
  }
  if (kind === 3) {
    const labels = Array.from({ length: 1 + below(20) }, () =>
      'ab1-_'.charAt(below(5)).repeat(1 + below(70)),
    )
    return queryWithName(below(65_536), nameBytes(recased(labels.join('.'), random)))
  }
  return mutation(valid, random)
}

/** One TCP connection: what is written, piece by piece, and whether its lengths are right. */
export interface HostileStream {
  readonly pieces: readonly Buffer[]
  readonly isFramed: boolean
}

/** Draws packets one after the other on a stream, cut at drawn places; of some streams one length is wrong. */
export function hostileStream(
  packets: readonly Buffer[],
  last: Buffer,
  random: () => number,
): HostileStream {
  const isFramed = random() < 0.8
  const all = [...packets, last].map(framed)
  if (!isFramed)
    all[Math.floor(random() * packets.length)]?.writeUInt16BE(Math.floor(random() * 65_536))
  let rest = Buffer.concat(all)
  const pieces: Buffer[] = []
  while (rest.length > 0 && pieces.length < 8) {
    const at = 1 + Math.floor(random() * rest.length)
    pieces.push(rest.subarray(0, at))
    rest = rest.subarray(at)
  }
  return { pieces: [...pieces, ...(rest.length > 0 ? [rest] : [])], isFramed }
}
