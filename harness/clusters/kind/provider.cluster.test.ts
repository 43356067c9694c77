/** The provider's contract on a real kind cluster. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { clusterContract } from '../../testing/cluster-contract.ts'
import { cannotRunKind, kindForTests } from '../../testing/needs-kind.ts'
import { defaultTopology } from '../local/topology.ts'

const skip = await cannotRunKind()

t.test('provider kind keeps the contract', { skip }, async (t) => {
  await clusterContract(t, kindForTests(), defaultTopology())
  const { stdout } = spawnSync('kind', ['get', 'clusters'], { encoding: 'utf8' })
  t.notMatch(stdout, `meshmark-contract-${process.pid}`, 'nothing is left')
})
