/** Which endpoints may get new connections (discovery.k8s.io/v1 conditions, kube-proxy's rules). */

/** An endpoint of a Service port, as far as the choice depends on it. */
export interface Candidate {
  readonly address: string
  readonly port: number
  readonly nodeName?: string
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly forZones?: readonly string[]
  readonly forNodes?: readonly string[]
}

/** The node whose clients choose. */
export interface Place {
  readonly name: string
  readonly zone?: string
}

/** The ready endpoints; when there is none, those that are on their way out but still serve. */
export function eligible<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  const ready = candidates.filter((candidate) => candidate.ready)
  if (ready.length > 0) return ready
  return candidates.filter(({ serving, terminating }) => serving && terminating)
}

/**
 * The eligible endpoints; of ready ones those alone that are hinted for this node, or else for its zone. A hint counts
 * only while every ready endpoint bears one, and one is for us (KEP-2433, KEP-3015): nobody is left without.
 */
export function eligibleNear<T extends Candidate>(
  candidates: readonly T[],
  { name, zone }: Place,
): readonly T[] {
  const found = eligible(candidates)
  if (!found.every(({ ready }) => ready)) return found
  const here = hintedFor(found, ({ forNodes }) => forNodes, name)
  if (here.length > 0) return here
  const close = zone === undefined ? [] : hintedFor(found, ({ forZones }) => forZones, zone)
  return close.length > 0 ? close : found
}

function hintedFor<T extends Candidate>(
  candidates: readonly T[],
  hints: (candidate: T) => readonly string[] | undefined,
  place: string,
): readonly T[] {
  if (candidates.some((candidate) => hints(candidate) === undefined)) return []
  return candidates.filter((candidate) => hints(candidate)?.includes(place) === true)
}

/** Traffic policy Local: only what runs on this node counts, terminating endpoints as the last resort included. */
export function eligibleLocal<T extends Candidate>(
  candidates: readonly T[],
  nodeName: string,
): readonly T[] {
  return eligible(candidates.filter((candidate) => candidate.nodeName === nodeName))
}
