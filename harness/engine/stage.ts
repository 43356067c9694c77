import type { AbortOptions } from '../model/abort.ts'
import type { Cluster, Position, ProgramChannel } from '../model/cluster.ts'
import type { LoadGenerator } from '../model/load.ts'
import type { Probe } from '../model/probe.ts'
import { ResourceStack } from '../model/resource-stack.ts'
import type { ScenarioContext } from '../model/scenario.ts'
import type { DeployedTarget } from '../model/target.ts'

/** How the harness' programs are spoken to; the adapters are handed in by the command line. */
export interface StageComponents {
  readonly connectProbe: (channel: ProgramChannel) => Probe
  /** Makes one generator of the load programs on all nodes. */
  readonly connectLoad: (
    programs: readonly { readonly node: string; readonly channel: ProgramChannel }[],
  ) => LoadGenerator
}

/** A cluster with a target in it, and the probes that stand in it: one per position, started on first use. */
export interface Stage extends AsyncDisposable {
  readonly cluster: Cluster
  readonly target: DeployedTarget
  /** What the target claims. */
  readonly features: ScenarioContext['features']
  probe(at: Position, options: AbortOptions): Promise<Probe>
  /**
   * One generator of a load program at each of the positions.
   * @param cpus - one for each program; none are pinned when there are fewer
   */
  load(
    at: readonly Position[],
    cpus: readonly number[],
    options: AbortOptions,
  ): Promise<LoadGenerator>
  /** A context for one scenario; what the scenario makes is removed when `held` is disposed. */
  context(held: ResourceStack, options: AbortOptions): ScenarioContext
}

/** Probes of a cluster, one per position, started on first use and kept until `held` is disposed. */
export function probesOf(
  cluster: Cluster,
  connectProbe: StageComponents['connectProbe'],
  held: ResourceStack,
): Stage['probe'] {
  const probes = new Map<string, Promise<Probe>>()
  return (at, options) => {
    const key = `${at.node}/${at.network}`
    const known = probes.get(key)
    if (known !== undefined) return known
    const started = cluster
      .spawn(at, 'probe', options)
      .then((channel) => held.use(connectProbe(channel)))
    started.catch(() => probes.delete(key))
    probes.set(key, started)
    return started
  }
}

export function stage(
  cluster: Cluster,
  target: DeployedTarget,
  {
    connectProbe,
    connectLoad,
    features = new Set(),
    sampleImage,
  }: StageComponents & Partial<Pick<ScenarioContext, 'features' | 'sampleImage'>>,
): Stage {
  const held = new ResourceStack()
  const probe = probesOf(cluster, connectProbe, held)
  return {
    cluster,
    target,
    features,
    probe,
    load: async (at, cpus, options) => {
      const isPinned = cpus.length >= at.length
      const programs = at.map(async (position, index) => {
        const own = isPinned ? cpus.slice(index, index + 1) : []
        const channel = await cluster.spawn(position, 'load', { ...options, cpus: own })
        return { node: position.node, channel: held.use(channel) }
      })
      return connectLoad(await Promise.all(programs))
    },
    context: (resources, { signal }) => ({
      cluster,
      target,
      features,
      ...(sampleImage !== undefined && { sampleImage }),
      signal,
      probe: (at) => probe(at, { signal }),
      keep: (resource) => {
        resources.use(resource)
      },
      facts: new Map(),
    }),
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  }
}
