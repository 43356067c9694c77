import { setTimeout as delay } from 'node:timers/promises'

/** A time as the Kubernetes API writes it (metav1.Time): whole seconds. */
export function time(date: Date): string {
  return date.toISOString().replace(/\.\d+Z/, 'Z')
}

/** Waits, or less when the signal is aborted; never throws. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await delay(ms, undefined, { signal }).catch(() => undefined)
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    const done = (): void => {
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
  })
}

/** How long one request to the API may take: an API behind a cut cable answers never. */
const requestMs = 10_000

/** Makes one request with a bound; `work` has to heed its signal. */
export async function bounded<T>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  ms: number = requestMs,
): Promise<T> {
  signal.throwIfAborted()
  const controller = new AbortController()
  const stop = (): void => {
    controller.abort(signal.reason)
  }
  const timer = setTimeout(() => {
    controller.abort(new Error(`no answer of the API within ${ms} ms`))
  }, ms)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
