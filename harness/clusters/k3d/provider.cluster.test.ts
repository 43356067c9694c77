/** The provider's contract on real k3d, where it and an image of k3s are. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { clusterContract } from '../../testing/cluster-contract.ts'
import { root } from '../../testing/sources.ts'
import { defaultTopology } from '../local/topology.ts'
import { k3d } from './provider.ts'

const nodeImage = process.env['MESHMARK_K3S_IMAGE']
const provider = k3d({ packageDirectory: root, ...(nodeImage !== undefined && { nodeImage }) })
const [problem] = await provider.preflight({ signal: AbortSignal.timeout(30_000) })
const skip =
  problem === undefined
    ? nodeImage === undefined && 'MESHMARK_K3S_IMAGE names no image of k3s'
    : `${problem.subject}: ${problem.message}`

t.test('provider k3d keeps the contract', { skip }, async (t) => {
  await clusterContract(t, provider, defaultTopology())
  const { stdout } = spawnSync('k3d', ['cluster', 'list'], { encoding: 'utf8' })
  t.notMatch(stdout, `meshmark-contract-${process.pid}`, 'nothing is left')
})
