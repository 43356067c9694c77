import { type FoundCluster, foundClusters } from '../../clusters/kind/leftovers.ts'
import type { Finding } from './finding.ts'

/** How long Docker may take to say what is there. */
const withinMs = 10_000

/** Clusters of providers kind and k3d: those in use, those that were kept, and what dead runs left. */
export async function lookAtClusters(): Promise<Finding> {
  const found = await foundClusters({ signal: AbortSignal.timeout(withinMs) }).catch(() => [])
  const left = found.filter(
    ({ state, faults, isUnclean }) => state === 'left' || faults > 0 || isUnclean,
  )
  const cures = [
    ...(left.length > 0 ? ['meshmark doctor --heal'] : []),
    ...found
      .filter(({ state }) => state === 'unknown')
      .map(({ name, provider }) =>
        provider === 'k3d' ? `k3d cluster delete ${name}` : `kind delete cluster --name ${name}`,
      ),
  ]
  return {
    id: 'clusters',
    state: cures.length === 0 ? 'ok' : 'broken',
    detail: found.length === 0 ? 'none of ours is here' : found.map(told).join('; '),
    required: false,
    ...(cures.length > 0 && {
      costs: 'memory and disk',
      cure: cures.join('; '),
    }),
  }
}

function told({ name, state, faults, isUnclean }: FoundCluster): string {
  const objects = isUnclean ? ', with what a dead run made in it' : ''
  const broken = faults === 0 ? '' : `, with ${faults} faults of a dead run in force`
  switch (state) {
    case 'in-use':
      return `${name} is in use${broken}`
    case 'kept':
      return `${name} was kept${broken}${objects}`
    case 'left':
      return `${name} was left by a dead run`
    case 'unknown':
      return `${name} bears our name, and nothing says whose it is`
  }
}
