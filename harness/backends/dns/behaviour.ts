/** What the fake name server knows and how it misbehaves. */
export interface DnsBehaviour {
  readonly records?: readonly DnsZoneRecord[]
  /** The first rule that fits a query says how it is treated; without one it is answered from the records. */
  readonly rules?: readonly DnsRule[]
  /** Transports that are served; on others the port is closed. Both when absent. */
  readonly transports?: readonly ('udp' | 'tcp')[]
}

/** A record as the package dns-packet writes it; a name that starts with `*.` stands for all below. */
export interface DnsZoneRecord {
  readonly name: string
  readonly type: string
  /** Seconds; 30 when absent. */
  readonly ttl?: number
  /** A string for A, AAAA, CNAME, NS, PTR, TXT; an object for SRV, MX, SOA. */
  readonly data: unknown
}

export interface DnsRule {
  /** Name or `*.suffix`; every name when absent. */
  readonly name?: string
  readonly type?: string
  readonly transport?: 'udp' | 'tcp'
  /** Applies so many times, then no more. */
  readonly times?: number
  /** Never answered. */
  readonly blackhole?: boolean
  readonly delayMs?: number
  /** Answered with this code, e.g. SERVFAIL, and nothing else. */
  readonly rcode?: string
  /** Over UDP: TC, no records. */
  readonly truncate?: boolean
  /** Over UDP: a false answer first (data 6.6.6.6), then the true one. */
  readonly forge?: 'id' | 'question' | 'source-port'
  /** Passed on to this name server, `IPv4:PORT`, whose answer is passed back: a loop when that one asks here. */
  readonly relay?: string
  /** The true answer follows the false one after so long; 100 when absent, never when negative. */
  readonly trueAfterMs?: number
}
