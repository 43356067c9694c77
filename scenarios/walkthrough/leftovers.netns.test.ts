import { setMaxListeners } from 'node:events'
import t from 'tap'
import { local } from '../../harness/clusters/local/provider.ts'
import { defaultTopology } from '../../harness/clusters/local/topology.ts'
import { stage } from '../../harness/engine/stage.ts'
import { tellScenario } from '../../harness/engine/tell.ts'
import { connectLoad } from '../../harness/load/client.ts'
import { connectProbe } from '../../harness/probes/client.ts'
import { direct } from '../../harness/targets/direct/target.ts'
import { outputOf } from '../../harness/testing/cluster-contract.ts'
import { cannotRunLocal } from '../../harness/testing/needs-local.ts'
import { root } from '../../harness/testing/sources.ts'
import { leftovers } from './leftovers.ts'

const skip = await cannotRunLocal()

t.test(
  'a rule that an older EdgeMesh left on a node is named, with the node',
  { skip },
  async (t) => {
    const signal = AbortSignal.timeout(60_000)
    setMaxListeners(0, signal)
    await using cluster = await local({ packageDirectory: root }).create(defaultTopology(), {
      runId: 'leftover',
      signal,
    })
    const rules =
      'table ip nat { chain EDGE-MESH { ip daddr 9.251.0.0/16 tcp dport 80 redirect to :40001\n }\n chain OUTPUT { type nat hook output priority -100; jump EDGE-MESH\n }\n }'
    const at = { node: 'edge-node-b', network: 'host' } as const
    const args = ['sh', '-c', `printf '%s\\n' '${rules}' | nft -f -`]
    await using channel = await cluster.spawn(at, 'shell', { args, signal })
    t.equal(await outputOf(channel), '')
    t.match(await channel.exited, { code: 0 })
    const target = await direct().deploy(cluster, { signal })
    await using scene = stage(cluster, target, { connectProbe, connectLoad })
    const scenario = { id: 'x', title: 'x', source: { title: 'x' }, steps: [leftovers] }
    const { steps } = await tellScenario(scenario, scene, {
      features: new Set(),
      tell: () => undefined,
      signal,
    })
    t.match(steps, [{ status: 'failed', seen: /^edge-node-b: .*EDGE-MESH/m }])
    t.notMatch(steps, [{ seen: /edge-node-a|master/ }])
  },
)
