import { LoadError } from '../model/errors.ts'
import type { LoadJob, LoadProfile, LoadTarget } from '../model/load.ts'

/** Makes another seed of a seed for every node; any odd number but the one that warm-ups use. */
const nodeSeed = 0x85eb_ca6b

/**
 * One node's share of a job: its part of the rate, of the clients and of the connections, and arrivals of its own.
 * Independent Poisson arrivals at the shares of a rate are, together, Poisson arrivals at the rate.
 * @param index - of the node, from 0
 * @throws LoadError 'invalid-job' for a closed loop with fewer clients than nodes
 */
export function shareOf(job: LoadJob, index: number, nodes: number): LoadJob {
  return {
    ...job,
    target: targetShare(job.target, nodes),
    profile: profileShare(job.profile, index, nodes),
    seed: (job.seed + index * nodeSeed) >>> 0,
    together: true,
  }
}

function targetShare(target: LoadTarget, nodes: number): LoadTarget {
  if (target.kind !== 'http' && target.kind !== 'websocket') return target
  return { ...target, connections: Math.ceil(target.connections / nodes) }
}

function profileShare(profile: LoadProfile, index: number, nodes: number): LoadProfile {
  if (profile.kind === 'open-loop')
    return {
      ...profile,
      rateRps: profile.rateRps / nodes,
      maxInFlight: Math.ceil(profile.maxInFlight / nodes),
    }
  const { concurrency } = profile
  if (concurrency < nodes)
    throw new LoadError(
      'invalid-job',
      `concurrency: got ${concurrency} clients for ${nodes} nodes, want one for each`,
    )
  const more = index < concurrency % nodes ? 1 : 0
  return { ...profile, concurrency: Math.floor(concurrency / nodes) + more }
}
