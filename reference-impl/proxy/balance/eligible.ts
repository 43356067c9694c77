/** Which endpoints may get new connections (discovery.k8s.io/v1 conditions, kube-proxy's rules). */

/** An endpoint of a Service port, as far as the choice depends on it. */
export interface Candidate {
  readonly address: string
  readonly port: number
  readonly nodeName?: string
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
}

/** The ready endpoints; when there is none, those that are on their way out but still serve. */
export function eligible<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  const ready = candidates.filter((candidate) => candidate.ready)
  if (ready.length > 0) return ready
  return candidates.filter(({ serving, terminating }) => serving && terminating)
}

/** Traffic policy Local: only what runs on this node counts, terminating endpoints as the last resort included. */
export function eligibleLocal<T extends Candidate>(
  candidates: readonly T[],
  nodeName: string,
): readonly T[] {
  return eligible(candidates.filter((candidate) => candidate.nodeName === nodeName))
}
