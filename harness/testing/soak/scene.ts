import { setMaxListeners } from 'node:events'
import {
  backendsOnNodes,
  everyPort,
  service,
} from '../../../scenarios/conformance/support/objects.ts'
import { clusterIpOf, podsOf } from '../../../scenarios/conformance/support/cluster-facts.ts'
import { conformanceTopology, topologyFor } from '../../cli/session.ts'
import { local } from '../../clusters/local/provider.ts'
import { broughtBy } from '../../engine/brought.ts'
import { edgeFirst } from '../../engine/conform/conform.ts'
import { podsReady } from '../../engine/conform/fixtures.ts'
import { probesOf } from '../../engine/stage.ts'
import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, Position, ProgramChannel } from '../../model/cluster.ts'
import type { Probe } from '../../model/probe.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import type { DeployedTarget, Target } from '../../model/target.ts'
import { connectProbe } from '../../probes/client.ts'
import { root } from '../sources.ts'

/** The reference on a cluster of provider local, with two backends behind one Service and one behind another. */
export interface SoakScene extends AsyncDisposable, AbortOptions {
  readonly cluster: Cluster
  readonly target: DeployedTarget
  /** Where clients stand, and the agent that is looked at. */
  readonly node: string
  readonly inPod: Position
  readonly onHost: Position
  /** Of two backends, on two nodes. */
  readonly service: ServiceFacts
  /** Of one backend: connections that a proxy keeps are used again, and meet what came before. */
  readonly solo: ServiceFacts & { readonly podIp: string }
  probe(at: Position): Promise<Probe>
  /** Starts one of the programs beside this file at a position; its only argument is `init`, as JSON. */
  program(at: Position, name: SoakProgram, init: object): Promise<ProgramChannel>
}

export interface ServiceFacts {
  readonly name: string
  readonly clusterIp: string
}

export type SoakProgram = 'dns-sender' | 'dns-upstream' | 'http-sender'

const namespace = 'default'
const [pair, single] = ['soak', 'solo'] as const

/** Boots it. @throws ClusterError, TargetError when it does not stand: nothing was judged then */
export async function soakScene(target: Target, signal: AbortSignal): Promise<SoakScene> {
  setMaxListeners(0, signal)
  const held = new ResourceStack()
  try {
    const topology = {
      ...conformanceTopology(topologyFor(target), {}),
      // why: what is judged is how fast the agent is there again, not when a kubelet starts it
      longestRestartPauseMs: 1,
    }
    const provider = local({ packageDirectory: root })
    const brought = await broughtBy(target)
    const cluster = held.use(await provider.create(topology, { runId: 'soak', signal, ...brought }))
    const deployed = held.use(await target.deploy(cluster, { signal }))
    await deployed.ready({ signal })
    const nodes = edgeFirst(cluster)
    const scene = { nodes, backendImage: 'meshmark/backend' }
    const manifests = [
      ...backendsOnNodes(scene, pair, 2),
      service(pair, everyPort),
      ...backendsOnNodes(scene, single, 1),
      service(single, everyPort),
    ]
    held.use(await cluster.apply(manifests, { signal }))
    const probes = probesOf(cluster, connectProbe, held)
    const probe = (at: Position): Promise<Probe> => probes(at, { signal })
    await podsReady({
      cluster,
      namespace,
      nodes,
      backendImage: '',
      signal,
      probe,
      keepForAll: (resource) => {
        held.use(resource)
      },
    })
    const node = nodes[0]?.name ?? ''
    const [soloPod] = await podsOf({ cluster, signal }, namespace, `app=${single}`)
    const factsOf = async (name: string): Promise<ServiceFacts> => ({
      name,
      clusterIp: await clusterIpOf({ cluster, signal }, namespace, name),
    })
    return {
      cluster,
      target: deployed,
      signal,
      node,
      inPod: { node, network: 'container' },
      onHost: { node, network: 'host' },
      service: await factsOf(pair),
      solo: { ...(await factsOf(single)), podIp: soloPod?.ip ?? '' },
      probe,
      program: async (at, program, init) => {
        const main = `${import.meta.dirname}/${program}-main.js`
        const args = [process.execPath, main, JSON.stringify(init)]
        return held.use(await cluster.spawn(at, 'shell', { args, signal }))
      },
      [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
    }
  } catch (error) {
    await held[Symbol.asyncDispose]()
    throw error
  }
}

/** Reads the JSON lines of a program until it ends, and returns the last. @throws Error when it does not end with 0 */
export async function follow<T>(
  channel: ProgramChannel,
  onLine: (line: T) => Promise<void> | void,
): Promise<T> {
  let last: T | undefined
  for await (const line of channel.messages) {
    last = line as T
    await onLine(last)
  }
  const { code, signal, stderr } = await channel.exited
  if (code !== 0) throw new Error(`a program of the soak ended with ${signal ?? code}: ${stderr}`)
  if (last === undefined) throw new Error('a program of the soak said nothing')
  return last
}
