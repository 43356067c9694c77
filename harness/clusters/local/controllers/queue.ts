/** Reconciles keys one at a time each, several keys at once, and tries again what failed. */
export interface Queue {
  /** Soon; a key that is waiting already is not queued twice. */
  add(key: string): void
  addAfter(key: string, delayMs: number): void
  close(): Promise<void>
}

export interface QueueInit {
  readonly name: string
  readonly reconcile: (key: string) => Promise<void>
  readonly log: (line: string) => void
  /** Keys worked on at the same time. */
  readonly workers?: number
}

const firstRetryMs = 20
const longestRetryMs = 10_000

export function queue({ name, reconcile, log, workers = 8 }: QueueInit): Queue {
  const waiting = new Set<string>()
  const active = new Map<string, Promise<void>>()
  const timers = new Set<NodeJS.Timeout>()
  const failures = new Map<string, number>()
  let closed = false

  const later = (key: string, delayMs: number): void => {
    if (closed) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      add(key)
    }, delayMs)
    timers.add(timer)
  }
  const work = async (key: string): Promise<void> => {
    try {
      await reconcile(key)
      failures.delete(key)
    } catch (error) {
      const failed = (failures.get(key) ?? 0) + 1
      failures.set(key, failed)
      if (!closed && !isConflict(error)) log(`${name} ${key}: ${String(error)}`)
      later(key, Math.min(firstRetryMs * 2 ** (failed - 1), longestRetryMs))
    }
  }
  const next = (): void => {
    for (const key of waiting) {
      if (closed || active.size >= workers) return
      if (active.has(key)) continue
      waiting.delete(key)
      const done = work(key).finally(() => {
        active.delete(key)
        next()
      })
      active.set(key, done)
    }
  }
  const add = (key: string): void => {
    if (closed) return
    waiting.add(key)
    // why: what one burst of events says about a key is reconciled once
    setImmediate(next)
  }
  return {
    add,
    addAfter: later,
    close: async () => {
      closed = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.allSettled(active.values())
    },
  }
}

/** Somebody else was faster: the newer version is on its way to us. */
function isConflict(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === 409
}
