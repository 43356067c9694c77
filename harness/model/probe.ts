import type { AbortOptions } from './abort.ts'

/**
 * One request of a client. Every job is one exchange with one observation; refused, reset, timed out and NXDOMAIN
 * are different observations and never exceptions. `timeoutMs` bounds the whole job, 1 to 600 000.
 */
export type ProbeJob = HttpJob | ResolveJob | DnsJob | TcpJob | UdpJob | CommandJob

/** One HTTP/1.1 request on a new connection. The host name is resolved by the position's own resolver (getaddrinfo). */
export interface HttpJob {
  readonly kind: 'http'
  readonly url: string
  readonly method?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
  readonly timeoutMs: number
}

/** What an application gets from getaddrinfo at this position. */
export interface ResolveJob {
  readonly kind: 'resolve'
  readonly name: string
  readonly family?: 4 | 6
  readonly timeoutMs: number
}

/** One DNS query. Without `server` the first name server of the position's resolv.conf is asked. */
export interface DnsJob {
  readonly kind: 'dns'
  readonly server?: { readonly address: string; readonly port: number }
  readonly name: string
  /** `A`, `AAAA`, `SRV`, `PTR`, ..., or any other as `TYPE65`. */
  readonly type: string
  readonly transport: 'udp' | 'tcp'
  /** The RD bit; true if absent. */
  readonly recursionDesired?: boolean
  /** Sends an OPT record (RFC 6891) with this UDP payload size and DO bit. */
  readonly edns?: { readonly payloadBytes: number; readonly dnssecOk: boolean }
  readonly timeoutMs: number
}

/** Connects, sends, then reads until the peer ends or `expectBytes` arrived. */
export interface TcpJob {
  readonly kind: 'tcp'
  readonly host: string
  readonly port: number
  /** UTF-8 text. */
  readonly send?: string
  readonly expectBytes?: number
  readonly timeoutMs: number
}

/** Sends one datagram and waits for one back. */
export interface UdpJob {
  readonly kind: 'udp'
  readonly host: string
  readonly port: number
  readonly send: string
  readonly timeoutMs: number
}

/** Runs a program of the machine at this position, e.g. the real curl. */
export interface CommandJob {
  readonly kind: 'command'
  readonly argv: readonly [string, ...string[]]
  readonly timeoutMs: number
}

/** What a client saw. `durationMs` counts from the start of the job. */
export type Observation = Answered | NotAnswered

export type Answered = { readonly durationMs: number } & (
  | {
      readonly kind: 'http'
      readonly status: number
      readonly headers: readonly (readonly [string, string])[]
      /** The body as UTF-8 text, cut at 1 MiB. */
      readonly body: string
      readonly bodySha256: string
      readonly bodyBytes: number
      readonly remote: { readonly address: string; readonly port: number }
    }
  | { readonly kind: 'resolved'; readonly addresses: readonly string[] }
  | {
      readonly kind: 'dns'
      readonly rcode: string
      readonly authoritative: boolean
      readonly truncated: boolean
      readonly recursionAvailable?: boolean
      readonly answers: readonly DnsRecord[]
      readonly authorities: readonly DnsRecord[]
      readonly additionals: readonly DnsRecord[]
      readonly sizeBytes: number
    }
  | {
      readonly kind: 'tcp'
      readonly received: string
      readonly local: Endpoint
      readonly remote: Endpoint
    }
  | { readonly kind: 'udp'; readonly received: string }
  | {
      readonly kind: 'exited'
      readonly code: number | null
      readonly stdout: string
      readonly stderr: string
    }
)

export interface Endpoint {
  readonly address: string
  readonly port: number
}

export interface DnsRecord {
  readonly name: string
  readonly type: string
  readonly ttlSeconds: number
  /** Presentation form: an address, a name, `priority weight port target`, ... */
  readonly data: string
}

export interface NotAnswered {
  readonly kind:
    | 'refused'
    | 'reset'
    | 'timed-out'
    | 'unreachable'
    /** The peer closed before a complete answer. */
    | 'closed'
    /** getaddrinfo says the name does not exist. */
    | 'name-not-found'
    /** getaddrinfo could not find out (server failure, no server). */
    | 'name-failure'
    | 'malformed'
  readonly durationMs: number
  /** What the operating system or parser said, e.g. `connect ECONNREFUSED 10.96.0.7:80`. */
  readonly detail: string
}

/** A client standing somewhere. */
export interface Probe extends AsyncDisposable {
  /**
   * @throws ProbeError when the probe itself broke: trouble of the harness, not an observation
   */
  run(job: ProbeJob, options: AbortOptions): Promise<Observation>
}
