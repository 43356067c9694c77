import { prepareBench } from '../../../scenarios/bench/prepare.ts'
import { suiteVersion } from '../../cli/package.ts'
import { topologyFor } from '../../cli/session.ts'
import { local } from '../../clusters/local/provider.ts'
import { broughtBy } from '../../engine/brought.ts'
import { stage } from '../../engine/stage.ts'
import { connectLoad } from '../../load/client.ts'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, Position } from '../../model/cluster.ts'
import { type BenchFacts, wholeFacts } from '../../model/question.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { DeployedTarget, Target } from '../../model/target.ts'
import { connectProbe } from '../../probes/client.ts'
import { reference } from '../../targets/reference/target.ts'
import { onPath } from '../../targets/shared/programs.ts'
import { root } from '../sources.ts'

/** Where the load stands. */
export const client: Position = { node: 'edge-node-a', network: 'container' }

/** The node of the load: proxies in the place of ours stand here. */
export const clientNode: Position = { node: 'edge-node-a', network: 'host' }

/** The node of the pod that answers. */
export const backendNode: Position = { node: 'edge-node-b', network: 'host' }

/** A cluster of provider local with a target that serves. */
export interface Scene extends AsyncDisposable {
  readonly cluster: Cluster
  readonly deployed: DeployedTarget
}

/** The same with nginx behind a Service. */
export interface BenchScene extends Scene {
  readonly facts: BenchFacts
}

export function ourTarget(): Target {
  return reference({ packageDirectory: root, version: suiteVersion() })
}

export async function sceneOf(target: Target, { signal }: AbortOptions): Promise<Scene> {
  const held = new ResourceStack()
  try {
    const cluster = held.use(
      await local({ packageDirectory: root }).create(topologyFor(target), {
        runId: `bench-self-${target.id}`,
        signal,
        ...(await broughtBy(target)),
      }),
    )
    const deployed = held.use(await target.deploy(cluster, { signal }))
    await deployed.ready({ signal })
    return { cluster, deployed, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() }
  } catch (error) {
    await held[Symbol.asyncDispose]()
    throw error
  }
}

export async function benchSceneOf(target: Target, options: AbortOptions): Promise<BenchScene> {
  const held = new ResourceStack()
  try {
    const scene = held.use(await sceneOf(target, options))
    const { cluster, deployed } = scene
    const staged = held.use(stage(cluster, deployed, { connectProbe, connectLoad }))
    const facts = wholeFacts(await prepareBench(staged.context(held, options)))
    return { ...scene, facts, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() }
  } catch (error) {
    await held[Symbol.asyncDispose]()
    throw error
  }
}

/** Says what a part, or an arm of it, has to do without; true when all of these programs are on PATH. */
export function areThere(part: string, programs: readonly string[]): boolean {
  const missing = programs.filter((program) => onPath(program) === undefined)
  if (missing.length > 0) console.log(`\n${part}: left out, no ${missing.join(', no ')} on PATH`)
  return missing.length === 0
}
