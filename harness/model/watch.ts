import type { AbortOptions } from './abort.ts'

/**
 * What a watch asks, each time as a client that was not there before (a new connection, a new socket), so that every
 * request is routed anew. Addresses are literal. All but `dns` are answered by a backend of ours (harness/backends).
 */
export type WatchTarget =
  /** Connects and reads the line in which the backend says who it is. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Connects, GET /, and reads the header `X-Pod` of a 200. */
  | {
      readonly kind: 'http'
      readonly host: string
      readonly port: number
      readonly authority: string
    }
  /** Sends `who` and reads the datagram in which the backend says who it is. */
  | { readonly kind: 'udp'; readonly host: string; readonly port: number }
  | {
      readonly kind: 'dns'
      readonly host: string
      readonly port: number
      readonly name: string
      readonly type: 'A' | 'AAAA'
    }
  /** One connection, opened at the start and kept, on which a byte goes and comes back. Not opened again when it breaks. */
  | { readonly kind: 'kept-tcp'; readonly host: string; readonly port: number }

/** Asks at an even pace until it is disposed, whether or not earlier requests were answered. */
export interface WatchJob {
  readonly target: WatchTarget
  /** 1 to 1000. What changes is dated no better than this. */
  readonly everyMs: number
  /** A request without an answer is given up after this time, 10 to 60 000. */
  readonly timeoutMs: number
}

/** One request and what came of it. */
export interface Sighting {
  /** When it was sent, on the harness' clock (`performance.now()`). */
  readonly sentMs: number
  readonly tookMs: number
  readonly answered: boolean
  /**
   * Who answered: the pod, or for `dns` the addresses, sorted and joined by commas, or the rcode where it is not
   * NOERROR. Otherwise why nobody did: `refused`, `reset`, `timed-out`, `unreachable`, `closed`, `malformed`.
   */
  readonly seen: string
}

/** Dates changes of what a client sees. Disposing ends it. */
export interface Watch extends AsyncDisposable {
  /** The times of sightings are right within this, in ms: half of the round trip in which the clocks were compared. */
  readonly clockErrorMs: number
  /** Requests that came to their end so far, in the order of their ends. Grows. */
  readonly sightings: readonly Sighting[]
  /**
   * Waits for what is seen.
   * @returns false when it was not seen in time
   * @throws LoadError when the load program broke
   */
  until(
    accept: (sightings: readonly Sighting[]) => boolean,
    options: AbortOptions & { readonly withinMs: number },
  ): Promise<boolean>
}
