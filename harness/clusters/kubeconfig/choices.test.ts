import t from 'tap'
import type { KubeObject } from '../../model/kubernetes.ts'
import { chooseNodes } from './nodes.ts'
import { looksLikeProduction, refuseProduction } from './production.ts'

function node(name: string, labels: Record<string, string>, ready = 'True'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    status: {
      addresses: [{ type: 'InternalIP', address: `10.0.0.${name.length}` }],
      conditions: [{ type: 'Ready', status: ready }],
    },
  }
}

const edge = { 'node-role.kubernetes.io/edge': '' }
const master = { 'node-role.kubernetes.io/control-plane': '' }
const nodes = [node('m', master), node('e1', edge), node('e22', edge), node('w', {})]

t.test('edge nodes are those with the label, or those that were named, in that order', (t) => {
  const roles = (found: ReturnType<typeof chooseNodes>): readonly string[] =>
    found.map(({ name, role }) => `${name} ${role}`)
  t.same(roles(chooseNodes(nodes, [])), ['m master', 'e1 edge', 'e22 edge', 'w worker'])
  t.same(roles(chooseNodes(nodes, ['w', 'e1'])), ['m master', 'w edge', 'e1 edge', 'e22 worker'])
  t.end()
})

t.test('a node that is not Ready is no edge node', (t) => {
  const tired = [...nodes.slice(0, 2), node('e22', edge, 'False')]
  t.throws(() => chooseNodes(tired, []), { message: /this cluster has 1 \(e1\)/ })
  t.end()
})

t.test('names by which people call production are seen', (t) => {
  const server = 'https://10.0.0.1:6443'
  for (const context of ['prod', 'eu-prod-1', 'PRD', 'my-production', 'live.eu'])
    t.equal(looksLikeProduction({ context, server }), context)
  for (const context of ['kind-test', 'product-demo', 'delivery', 'minikube'])
    t.equal(looksLikeProduction({ context, server }), undefined, context)
  t.equal(
    looksLikeProduction({ context: 'x', server: 'https://api.prod.example:6443' }),
    'api.prod.example',
  )
  t.doesNotThrow(() => {
    refuseProduction({ context: 'prod', server }, 'prod')
  })
  t.end()
})
