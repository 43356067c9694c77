import { kind } from '../clusters/kind/provider.ts'
import { defaultTopology } from '../clusters/local/topology.ts'
import { root } from './sources.ts'

/**
 * Boots a kind cluster, or attaches to a kept one and cuts a node off, says `ready` and holds it: a harness for tests
 * to kill. Arguments: run id, and the name of a kept cluster.
 */
const [runId = 'held', cluster] = process.argv.slice(2)
const { MESHMARK_KIND_NODE_IMAGE: nodeImage } = process.env
const provider = kind({
  packageDirectory: root,
  ...(nodeImage !== undefined && { nodeImage }),
  ...(cluster !== undefined && { cluster }),
})
const { signal } = new AbortController()
const booted = await provider.create(defaultTopology(), { runId, signal })
if (cluster !== undefined)
  await booted.fault({ kind: 'cut-node', node: 'edge-node-a', from: 'control-plane' }, { signal })
console.log('ready')
setInterval(() => undefined, 60_000)
