import { type Ring, ring } from './ring.ts'

/**
 * What reached this backend. Kept in memory are, of requests, streams, datagrams and DNS queries each, the last 5 000 in
 * at most 16 MiB; of a request the first 128 KiB of its head and 4 KiB of its body; of a datagram or query 2 KiB. Sizes
 * and hashes are always of the whole. `total` counts what was forgotten, too.
 */
export interface Journal {
  /** TCP connections ever accepted, on all ports but control. */
  connections: number
  /** Connections that are open now. */
  open: number
  readonly requests: Ring<RequestRecord>
  readonly streams: Ring<StreamRecord>
  readonly datagrams: Ring<DatagramRecord>
  readonly dnsQueries: Ring<DnsQueryRecord>
  clear(): void
}

/** Limits of what one entry keeps, in bytes. */
export const keptBytes = { head: 131_072, body: 4096, datagram: 2048 }

const mostEntries = 5000
const mostBytes = 16 * 1024 * 1024

/** An HTTP request, written down when its head is complete (or will not become so) and filled while its body comes. */
export interface RequestRecord {
  readonly port: number
  readonly peer: string
  /** Which connection of this backend, and which request on it, both from 1. */
  readonly connection: number
  readonly requestOnConnection: number
  readonly at: string
  /** The exact bytes up to the empty line, the first 128 KiB. */
  readonly head: Buffer
  readonly headBytes: number
  /** The body without its chunked coding, the first 4 KiB. */
  body: Buffer
  bodyBytes: number
  bodySha256: string
  /** The whole request arrived. */
  complete: boolean
  /** Trailer lines, as they came. */
  trailers: readonly string[]
  /** Why it is no request after RFC 9112. */
  malformed?: string
}

/** A connection of the protocols tcp and command. */
export interface StreamRecord {
  readonly port: number
  readonly protocol: 'tcp' | 'command'
  readonly peer: string
  command: string
  /** What came after the command line. */
  bytes: number
  sha256: string
  /** How the peer ended: not yet, FIN, or RST. */
  ended: 'open' | 'end' | 'reset'
}

export interface DatagramRecord {
  readonly port: number
  readonly peer: string
  readonly bytes: number
  readonly sha256: string
  readonly data: Buffer
}

export interface DnsQueryRecord {
  readonly port: number
  readonly peer: string
  readonly transport: 'udp' | 'tcp'
  readonly at: string
  readonly name: string
  readonly type: string
  readonly id: number
  readonly recursionDesired: boolean
  readonly edns?: { readonly payloadBytes: number; readonly dnssecOk: boolean }
  readonly wire: Buffer
  readonly malformed?: string
}

export function journal(): Journal {
  const rings = {
    requests: ring<RequestRecord>(mostEntries, mostBytes),
    streams: ring<StreamRecord>(mostEntries, mostBytes),
    datagrams: ring<DatagramRecord>(mostEntries, mostBytes),
    dnsQueries: ring<DnsQueryRecord>(mostEntries, mostBytes),
  }
  return {
    ...rings,
    connections: 0,
    open: 0,
    clear() {
      this.connections = 0
      for (const one of Object.values(rings)) one.clear()
    },
  }
}
