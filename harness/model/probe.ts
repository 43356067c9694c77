import type { AbortOptions } from './abort.ts'

/**
 * One request of a client. Every job is one exchange with one observation; refused, reset, timed out and NXDOMAIN
 * are different observations and never exceptions. `timeoutMs` bounds the whole job, 1 to 600 000.
 */
export type ProbeJob =
  HttpJob | ResolveJob | DnsJob | TcpJob | UdpJob | CommandJob | PacketsJob | VolleyJob

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

/**
 * Sends datagrams, byte for byte, from sockets of its own, and records everything that comes back to them. Ends when
 * `expect` datagrams arrived and `lingerMs` more have passed, or at `timeoutMs`: silence is an observation, too.
 */
export interface PacketsJob {
  readonly kind: 'packets'
  /** A literal address. */
  readonly host: string
  readonly port: number
  readonly sockets: readonly PacketSocket[]
  /** How many datagrams, over all sockets, to wait for; 0 waits for `timeoutMs`. */
  readonly expect: number
  /** Listens so long after the last expected datagram, for those that should not come; 0 if absent. */
  readonly lingerMs?: number
  readonly timeoutMs: number
}

export interface PacketSocket {
  readonly localAddress?: string
  readonly localPort?: number
  /** A connected socket learns of ICMP errors and takes datagrams from the server's address only; true if absent. */
  readonly connected?: boolean
  readonly send: readonly {
    /** Since the start of the job. */
    readonly atMs: number
    readonly base64: string
  }[]
}

/**
 * Many TCP connections, each of which asks who answers: load balancing, affinity, leaks. The answer of a connection is
 * its first line, or, with `http`, the header `x-pod` of each response.
 */
export interface VolleyJob {
  readonly kind: 'volley'
  /** A literal address. */
  readonly host: string
  readonly port: number
  readonly connections: number
  /** How many at the same time, 1 to 1000. */
  readonly concurrency: number
  /** Source addresses that the connections take in turn. */
  readonly localAddresses?: readonly string[]
  /** Sent first on each connection, UTF-8. */
  readonly send?: string
  /** Requests that each connection sends, one after the other, on the same connection. */
  readonly http?: readonly {
    readonly path: string
    readonly headers?: readonly (readonly [string, string])[]
  }[]
  /** Bounds one connection; it counts as timed-out after that. */
  readonly connectionTimeoutMs: number
  readonly timeoutMs: number
}

/** A TCP connection that stays open, for one step after the other. */
export interface StreamJob {
  /** A literal address. */
  readonly host: string
  readonly port: number
  readonly localAddress?: string
  readonly localPort?: number
  /** Bounds the connecting. */
  readonly timeoutMs: number
}

/** One thing to do on an open connection; the steps of one call happen in order. */
export type StreamStep =
  /**
   * Writes bytes; `segments` cuts them into writes of these sizes (what is left is the last) with `gapMs` between, 1 if
   * absent, so that packets are split.
   */
  | {
      readonly do: 'send'
      readonly base64: string
      readonly segments?: readonly number[]
      readonly gapMs?: number
      /** Gives up when the peer does not take all in this time, 60 000 if absent: the state is `timed-out`. */
      readonly withinMs?: number
    }
  /**
   * Writes so many bytes of the repeatable pattern, from `patternByte(0)` on. While the operating system takes no more,
   * what arrives is read, and counts for the next `read` of the same play: both directions at once block nobody.
   */
  | { readonly do: 'send-pattern'; readonly bytes: number; readonly withinMs?: number }
  /**
   * Reads until the condition holds, the peer ends or `withinMs` has passed. Nothing is read between two such steps
   * (the first 64 KiB at most). What arrived behind the condition (bytes, text) is left for the next read. A text is
   * looked for in what arrived since the last read; of what arrived while sending, in the first MiB.
   */
  | {
      readonly do: 'read'
      readonly until:
        | { readonly bytes: number }
        | { readonly text: string }
        | { readonly quietMs: number }
        | 'end'
      readonly withinMs: number
    }
  /** Half-closes: FIN, and goes on reading. */
  | { readonly do: 'end' }
  /** Aborts with RST. */
  | { readonly do: 'reset' }
  | { readonly do: 'pause'; readonly ms: number }

/** What came of the steps of one call. */
export interface StreamPlayed {
  readonly durationMs: number
  /** What arrived during these steps, cut at 1 MiB. */
  readonly base64: string
  readonly bytes: number
  readonly sha256: string
  /** Reads of the operating system in order: when, since the start of these steps, and how much; the first 1000. */
  readonly chunks: readonly { readonly atMs: number; readonly bytes: number }[]
  /** Did the last `read` end because its condition held? True when there was none. */
  readonly complete: boolean
  /** Bytes that the operating system took, in steps of 64 KiB: how much fits between here and a peer that is slow. */
  readonly sentBytes: number
  /**
   * How the connection stands as far as reads and writes have shown: `end` the peer half-closed, `reset` it was
   * aborted, `timed-out` the kernel gave up, or a send took too long. Later sends are left out after the last two.
   */
  readonly state: 'open' | 'end' | 'reset' | 'timed-out'
}

/** Disposing closes the connection. Aborting a play closes it, too. One play after the other. */
export interface Stream extends AsyncDisposable {
  readonly opened: StreamOpened | NotAnswered
  /** @throws ProbeError when it was not opened, or the probe broke */
  play(steps: readonly StreamStep[], options: AbortOptions): Promise<StreamPlayed>
}

export interface StreamOpened {
  readonly kind: 'opened'
  readonly durationMs: number
  readonly local: Endpoint
  readonly remote: Endpoint
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
      readonly kind: 'packets'
      readonly received: readonly {
        /** Index into the job's sockets. */
        readonly socket: number
        readonly atMs: number
        readonly from: Endpoint
        readonly base64: string
      }[]
      /** ICMP errors and the like, per socket. */
      readonly failures: readonly {
        readonly socket: number
        readonly atMs: number
        readonly kind: NotAnswered['kind']
        readonly detail: string
      }[]
      /** Where each socket was bound. */
      readonly local: readonly Endpoint[]
    }
  | {
      readonly kind: 'volley'
      /** Distinct answers, and how often each came. */
      readonly answers: readonly { readonly answer: string; readonly count: number }[]
      /** Index into `answers` per request, in the order of the requests; -1 for a failed one. */
      readonly order: readonly number[]
      /** Failed requests; after a failed one those that would have followed on its connection count, too. */
      readonly failures: Readonly<Partial<Record<NotAnswered['kind'], number>>>
      /** The longest that one connection took, from connecting to its last answer or failure. */
      readonly slowestMs: number
    }
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
  /**
   * Opens a TCP connection that stays; a refused one is told in `opened`.
   * @throws ProbeError when the probe itself broke
   */
  stream(job: StreamJob, options: AbortOptions): Promise<Stream>
}
