import { kubeconfig } from '../clusters/kubeconfig/provider.ts'
import { defaultTopology } from '../clusters/local/topology.ts'
import { root } from './sources.ts'

/**
 * Works in a cluster that exists, says `ready` and holds it: a harness for tests to kill. What it makes: its namespace,
 * a ConfigMap there, a ClusterRole outside. Arguments: path of the kubeconfig, run id.
 */
const [file = '', runId = 'held'] = process.argv.slice(2)
const { signal } = new AbortController()
const cluster = await kubeconfig({ packageDirectory: root, kubeconfig: file }).create(
  defaultTopology(),
  { runId, signal },
)
const { namespace = '' } = cluster
await cluster.apply(
  [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held', namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: `held-${runId}` },
      rules: [],
    },
  ],
  { signal },
)
console.log('ready')
// why: whoever started it may be killed before it can stop it
process.stdin.resume().once('end', () => process.exit())
