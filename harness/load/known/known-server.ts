/** What a server of known behaviour does with every request. */
export interface KnownBehaviour {
  /** `http-closing` hangs up after each answer; `dns` answers every question with one address. */
  readonly kind: 'http' | 'http-closing' | 'dns'
  /** Body of every HTTP answer. */
  readonly page: string
  /** How long each answer is held, milliseconds; the timer's own lateness is measured, not hidden. */
  readonly holdMs: number
  /** CPU time that each answer costs, microseconds: a server that is the bottleneck. */
  readonly workUs: number
}

/** A server that knows what a client has to see of it. */
export interface KnownServer extends AsyncDisposable {
  readonly port: number
  /** How long each answer was really held, milliseconds, since the last call. */
  readonly takeHolds: () => readonly number[]
  /** Answers nothing for a while; what came meanwhile is answered at its end. Resolves with how long that was, ms. */
  readonly stall: (forMs: number) => Promise<number>
}

/** The middle of every known server: when an answer may leave. */
export interface Holding {
  /** Calls `send` when the answer to what came just now is due. */
  readonly hold: (send: () => void) => void
  readonly takeHolds: KnownServer['takeHolds']
  readonly stall: KnownServer['stall']
}

/** More holds than this are not kept: a median needs no more. */
const mostHolds = 100_000

export function holding({ holdMs, workUs }: Pick<KnownBehaviour, 'holdMs' | 'workUs'>): Holding {
  let holdsMs: number[] = []
  let stalled: (() => void)[] | undefined
  return {
    hold: (send) => {
      const cameMs = performance.now()
      const answer = (): void => {
        if (stalled !== undefined) {
          stalled.push(answer)
          return
        }
        if (workUs > 0) work(workUs)
        if (holdsMs.length < mostHolds) holdsMs.push(performance.now() - cameMs)
        send()
      }
      if (holdMs === 0) answer()
      else setTimeout(answer, holdMs)
    },
    takeHolds: () => {
      const taken = holdsMs
      holdsMs = []
      return taken
    },
    stall: (forMs) => {
      const beganMs = performance.now()
      stalled = []
      return new Promise((resolve) => {
        setTimeout(() => {
          const waiting = stalled ?? []
          stalled = undefined
          const tookMs = performance.now() - beganMs
          for (const answer of waiting) answer()
          resolve(tookMs)
        }, forMs)
      })
    },
  }
}

function work(forUs: number): void {
  const endMs = performance.now() + forUs / 1000
  while (performance.now() < endMs);
}
