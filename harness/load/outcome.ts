/** What came of one request. */
export type Outcome =
  | { readonly kind: 'answered' }
  /** Somebody answered who is not the target: nothing of the trial may be used. */
  | { readonly kind: 'foreign'; readonly detail: string }
  | { readonly kind: 'failed'; readonly why: string }

export const answered: Outcome = { kind: 'answered' }

/** A client that sends one request when told to, and tells once what came of it. */
export type Client = (onDone: (outcome: Outcome) => void) => void

/** What a request is called that was given up: its true time is longer than the time it was waited for. */
export const timedOut = 'timed-out'

const names: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: timedOut,
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'no local port left',
  EADDRINUSE: 'no local port left',
  EMFILE: 'no file descriptor left',
  ENFILE: 'no file descriptor left',
  ENOBUFS: 'no buffer left',
}

/** What an operating system error is called in a result. */
export function failureName(error: NodeJS.ErrnoException): string {
  return names[error.code ?? ''] ?? error.message
}

/** Failures of the generator's own machine: they say nothing about the target, so one is enough to refuse a trial. */
export const ownFailures: ReadonlySet<string> = new Set([
  'no local port left',
  'no file descriptor left',
  'no buffer left',
  'no query id left',
])
