/** Pauses between restarts, as Kubernetes: the first restart comes at once, then 10 s, doubled up to 5 minutes. */
export interface BackOff {
  /** Pause before the next start, after a run that took `ranMs`. */
  next(ranMs: number): number
}

const usualLongestMs = 300_000

/** A run of this length clears the record. */
const forgetMs = 600_000

/** kubelet's MaxContainerBackOff and its first step. */
export const usualFirstMs = 10_000

export function backOff(
  firstMs: number = usualFirstMs,
  longestMs: number = usualLongestMs,
): BackOff {
  let upcomingMs = 0
  return {
    next: (ranMs) => {
      if (ranMs > forgetMs) upcomingMs = 0
      const pauseMs = upcomingMs
      upcomingMs = Math.min(pauseMs === 0 ? firstMs : pauseMs * 2, longestMs)
      return pauseMs
    },
  }
}
