/** Limits of the HTTP path. All times in milliseconds; checked twice a second, so they are good to about 0.5 s. */
export interface HttpSettings {
  /** A request line has to be complete this long after its first byte: bytes that are no HTTP get an answer. */
  readonly requestLineTimeoutMs: number
  /** A whole head has to be complete this long after its first byte (slow writers). */
  readonly headTimeoutMs: number
  /** An idle client connection is closed after this. */
  readonly clientIdleTimeoutMs: number
  /** A backend has to begin its answer this long after the request went out; 504 otherwise. */
  readonly responseTimeoutMs: number
  /** A body, either way, may stand still for this long. */
  readonly bodyIdleTimeoutMs: number
  /** One attempt to connect to an endpoint. */
  readonly connectTimeoutMs: number
  /** Endpoints tried for one request before the client is told. */
  readonly maxAttempts: number
  /** An endpoint that refused a connection is avoided for this long while others are left. */
  readonly ejectionMs: number
  /** An idle connection to a backend is kept this long at most. */
  readonly poolIdleTimeoutMs: number
  readonly poolMaxIdlePerEndpoint: number
  /** Client connections at once, about 5 KiB each; for one more the oldest that is idle goes, or it is refused. */
  readonly maxClientConnections: number
  /** What all clients together may have sent before it is used: heads that are not whole, pipelined requests. */
  readonly maxInputBytes: number
  /** Append the client's address to X-Forwarded-For. */
  readonly forwardedFor: boolean
}

/** The settings that bound one step of an exchange. */
export type TimeLimit =
  'connectTimeoutMs' | 'responseTimeoutMs' | 'bodyIdleTimeoutMs' | 'clientIdleTimeoutMs'

export const defaultHttpSettings: HttpSettings = {
  requestLineTimeoutMs: 4_000,
  headTimeoutMs: 15_000,
  clientIdleTimeoutMs: 75_000,
  responseTimeoutMs: 60_000,
  bodyIdleTimeoutMs: 300_000,
  connectTimeoutMs: 1_500,
  maxAttempts: 3,
  ejectionMs: 5_000,
  poolIdleTimeoutMs: 30_000,
  poolMaxIdlePerEndpoint: 256,
  maxClientConnections: 8_192,
  maxInputBytes: 32 * 1024 * 1024,
  forwardedFor: true,
}
