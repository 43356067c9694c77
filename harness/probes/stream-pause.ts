/** Waits so long, or until the stream is closed. */
export function pause(ms: number, closed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer)
      closed.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    closed.addEventListener('abort', over, { once: true })
  })
}
