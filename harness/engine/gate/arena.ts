import type { AbortOptions } from '../../model/abort.ts'
import type { CreateOptions, ClusterProvider } from '../../model/cluster.ts'
import { LoadError } from '../../model/errors.ts'
import type { LoadGenerator } from '../../model/load.ts'
import { type BenchFacts, wholeFacts } from '../../model/question.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { ClusterInfo, Implementation } from '../../model/run-result.ts'
import type { ScenarioContext } from '../../model/scenario.ts'
import type { Target } from '../../model/target.ts'
import type { Topology } from '../../model/topology.ts'
import { broughtBy } from '../brought.ts'
import { coexistenceGuard } from '../coexistence.ts'
import { loadPositions } from '../load-positions.ts'
import { describeCluster } from '../run.ts'
import { type Stage, stage, type StageComponents } from '../stage.ts'

/** A cluster of its own for one of the two that are compared, with what is measured in it and a generator. */
export interface Arena extends AsyncDisposable {
  readonly scene: Stage
  readonly facts: BenchFacts
  readonly generator: LoadGenerator
  readonly identity: Implementation
  readonly cluster: ClusterInfo
  /** @throws LoadError when kube-proxy, where it runs beside the target, carried what was measured */
  verify(options: AbortOptions): Promise<void>
}

export interface ArenaInit extends StageComponents {
  readonly provider: ClusterProvider
  readonly target: Target
  readonly topology: Topology
  readonly runId: string
  readonly sampleImage?: string
  readonly generatorCpus: readonly number[]
  readonly prepare: (context: ScenarioContext) => Promise<BenchFacts>
}

/** Boots it; nothing stays when that fails. Disposing takes everything away. */
export async function openArena(
  init: ArenaInit,
  options: AbortOptions & Pick<CreateOptions, 'lastResort' | 'progress'>,
): Promise<Arena> {
  const { provider, target, runId, sampleImage } = init
  const { signal } = options
  const held = new ResourceStack()
  try {
    const began = performance.now()
    const cluster = held.use(
      await provider.create(init.topology, { ...options, runId, ...(await broughtBy(target)) }),
    )
    const readyMs = performance.now() - began
    const deployed = held.use(await target.deploy(cluster, { signal }))
    await deployed.ready({ signal })
    const guard = await coexistenceGuard(cluster, target, { signal })
    const scene = held.use(
      stage(cluster, deployed, {
        ...init,
        features: target.features,
        ...(sampleImage !== undefined && { sampleImage }),
      }),
    )
    const facts = wholeFacts(await init.prepare(scene.context(held, { signal })))
    // why: what came before the target knew of the Service is nobody's measurement
    await guard.foreignConnections({ signal })
    const generator = await scene.load(loadPositions(cluster, undefined), init.generatorCpus, {
      signal,
    })
    return {
      scene,
      facts,
      generator,
      identity: {
        target: target.id,
        ...target.identity,
        ...(await deployed.identity?.({ signal })),
      },
      cluster: describeCluster(cluster, readyMs),
      verify: async (more) => {
        const foreign = await guard.foreignConnections(more)
        if (foreign === 0) return
        throw new LoadError(
          'foreign-answer',
          `kube-proxy, which runs beside ${target.id}, took ${foreign} connections of the benchmark`,
          { hint: 'use --kube-proxy-mode none' },
        )
      },
      [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
    }
  } catch (error) {
    await held[Symbol.asyncDispose]()
    throw error
  }
}
