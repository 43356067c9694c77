/** The provider's contract on a real kind cluster, and what is kind's own. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { clusterContract } from '../../testing/cluster-contract.ts'
import { root } from '../../testing/sources.ts'
import { defaultTopology } from '../local/topology.ts'
import { kind } from './provider.ts'

const nodeImage = process.env['MESHMARK_KIND_NODE_IMAGE']
const provider = kind({ packageDirectory: root, ...(nodeImage !== undefined && { nodeImage }) })
const [problem] = await provider.preflight({ signal: AbortSignal.timeout(30_000) })
// why: kind would pull its own image, and tests pull none
const skip =
  problem === undefined
    ? nodeImage === undefined && 'MESHMARK_KIND_NODE_IMAGE names no node image'
    : `${problem.subject}: ${problem.message}`

t.test('provider kind keeps the contract', { skip }, async (t) => {
  await clusterContract(t, provider, defaultTopology())
  const { stdout } = spawnSync('kind', ['get', 'clusters'], { encoding: 'utf8' })
  t.notMatch(stdout, `meshmark-contract-${process.pid}`, 'nothing is left')
})
