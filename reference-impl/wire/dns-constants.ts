/** Numbers of the DNS protocol (IANA "Domain Name System (DNS) Parameters"). */

export const recordType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

export const responseCode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Needs OPT: its upper eight bits travel there (RFC 6891 §6.1.3). */
  BADVERS: 16,
} as const

/** Names of response codes for logs and metrics. */
export function responseCodeName(code: number): string {
  const found = Object.entries(responseCode).find(([, number]) => number === code)
  return found?.[0] ?? `RCODE${code}`
}

/** Class IN. */
export const classIn = 1

/** Bits of the second header word (RFC 1035 §4.1.1, RFC 4035 §3). */
export const flag = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const

export const headerBytes = 12

/** A root name, type, size, extended code, version, flags, and no options. */
export const optBytes = 11

/** What fits into a datagram for clients without EDNS (RFC 1035 §4.2.1). */
export const plainUdpBytes = 512

/** Largest datagram that we send or ask for: fits IPv6's minimum MTU (DNS flag day 2020). */
export const ednsUdpBytes = 1232
