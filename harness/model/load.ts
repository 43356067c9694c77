import type { AbortOptions } from './abort.ts'
import type { Watch, WatchJob } from './watch.ts'

/**
 * How requests start. Open loop: at times fixed beforehand (seeded Poisson arrivals), whether or not earlier ones
 * were answered; `maxInFlight: 100` means that a 101st unanswered request makes the trial invalid, it is never
 * delayed. Closed loop: `concurrency` clients, each starting its next request when it has the answer.
 */
export type LoadProfile =
  | { readonly kind: 'open-loop'; readonly rateRps: number; readonly maxInFlight: number }
  | { readonly kind: 'closed-loop'; readonly concurrency: number }

/** What is requested, once per arrival. Addresses are literal: the load must not depend on a resolver. */
export type LoadTarget =
  | {
      readonly kind: 'http'
      readonly host: string
      readonly port: number
      readonly path: string
      /** Value of the Host header. */
      readonly authority: string
      /** Connections kept open by an open-loop generator, 1 to 1000. */
      readonly connections: number
      /** Every answer must have this status and body hash: who else answers is a stranger and stops the load. */
      readonly expect: { readonly status: number; readonly bodySha256: string }
    }
  /** A new connection per arrival: connect, one HTTP GET with `Connection: close`, end. */
  | {
      readonly kind: 'http-connect'
      readonly host: string
      readonly port: number
      readonly path: string
      readonly authority: string
      readonly expect: { readonly status: number; readonly bodySha256: string }
    }
  /** Messages on WebSockets that stay open; each has to come back as it went. */
  | {
      readonly kind: 'websocket'
      readonly host: string
      readonly port: number
      readonly path: string
      readonly authority: string
      /** WebSockets kept open by an open-loop generator, 1 to 1000; of a closed loop each client has its own. */
      readonly connections: number
      /** 1 to 1 MiB. */
      readonly messageBytes: number
    }
  /** A new socket per arrival: `who` to a backend of ours (harness/backends), its answer, end. */
  | {
      readonly kind: 'udp-flow'
      readonly host: string
      readonly port: number
      /** The one pod that may answer. */
      readonly expect: { readonly pod: string }
    }
  | {
      readonly kind: 'dns'
      readonly host: string
      readonly port: number
      /** Asked in turn. */
      readonly questions: readonly { readonly name: string; readonly type: string }[]
      readonly expect: { readonly rcode: string; readonly minAnswers: number }
    }

export interface LoadJob {
  readonly target: LoadTarget
  readonly profile: LoadProfile
  /** Unmeasured time before the window, in which the same load runs. */
  readonly warmupMs: number
  /** Length of the measured window, 100 to 600 000. */
  readonly durationMs: number
  /** Equal seeds give equal arrival times. Unsigned 32-bit. */
  readonly seed: number
  /** One of several programs that load at once: its warm-up keeps to its length, and it tells when its window begins. */
  readonly together?: true
}

/** What one load program saw in its measured window. */
export interface LoadResult {
  /** Requests that were due inside the window. */
  readonly scheduled: number
  readonly completed: number
  /** Requests that failed, by what the client saw: `refused`, `reset`, `timed-out`, `bad-status`, `foreign-answer`, ... */
  readonly failures: Readonly<Record<string, number>>
  readonly windowMs: number
  readonly achievedRps: number
  /** From the intended send time to the last byte. HdrHistogram V2, compressed, base64, integer microseconds. */
  readonly response: HistogramSummary
  /** From the actual send to the last byte. */
  readonly service: HistogramSummary
  /** Actual minus intended send time: how honest the schedule was. Empty for closed loop. */
  readonly lag: HistogramSummary
  /** Mean number of unanswered requests, sampled independently of the answers. */
  readonly meanInFlight: number
  readonly generator: GeneratorHealth
  /** Why this result must not be used; empty for a valid one. */
  readonly invalid: readonly string[]
}

/** Quantiles are absent where the window holds fewer than 50 samples beyond them (p99 needs 5000). */
export interface HistogramSummary {
  readonly count: number
  readonly minUs: number
  readonly meanUs: number
  readonly p50Us?: number
  readonly p90Us?: number
  readonly p99Us?: number
  readonly p999Us?: number
  readonly maxUs: number
  readonly encoded: string
}

export interface GeneratorHealth {
  /** User plus system time of the generator in the window, microseconds. */
  readonly cpuUs: number
  /** Event-loop utilisation, 0 to 1. */
  readonly eventLoopUtilization: number
  readonly gcMs: number
  readonly tool: string
}

export interface LoadOptions extends AbortOptions {
  /** Told when the measured window of a job that is `together` with others begins. */
  readonly began?: () => void
}

/** Generates load from one position, or from several at once. */
export interface LoadGenerator extends AsyncDisposable {
  /** @throws LoadError when the generator itself broke or the job is invalid */
  run(job: LoadJob, options: LoadOptions): Promise<LoadResult>
  /**
   * Starts a watch, beside whatever it runs. Absent where several programs are one generator.
   * @throws LoadError when the program broke or the watch is invalid
   */
  watch?(job: WatchJob, options: AbortOptions): Promise<Watch>
}
