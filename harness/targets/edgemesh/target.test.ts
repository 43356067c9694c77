import t from 'tap'
import { edgeMeshManifests, shippedResources } from './manifests.ts'
import { edgeMesh } from './target.ts'
import { whyNot } from './why-not.ts'

const init = { image: 'i:v1', psk: 'secret', apiServer: { host: '10.0.0.1', port: '6443' } }

function container(resources: 'shipped' | 'none'): Readonly<Record<string, unknown>> | undefined {
  const daemonSet = edgeMeshManifests({ ...init, resources }).find(
    ({ kind }) => kind === 'DaemonSet',
  )
  const { template } = daemonSet?.['spec'] as {
    readonly template: {
      readonly spec: { readonly containers: readonly Record<string, unknown>[] }
    }
  }
  return template.spec.containers[0]
}

t.test('its CPU limit is as it ships, or gone, and its identity says which', (t) => {
  t.same(container('shipped')?.['resources'], shippedResources)
  t.equal(container('none')?.['resources'], undefined)
  t.equal(edgeMesh({}).identity.mode, 'as shipped: CPU 200m, memory 256Mi')
  t.equal(edgeMesh({ resources: 'none' }).identity.mode, 'no limits')
  t.equal(edgeMesh({ image: 'registry.example:5000/agent:v9' }).identity.version, 'v9')
  t.end()
})

t.test('what its informers and its tunnel wait for is deployed with it', (t) => {
  const kinds = edgeMeshManifests({ ...init, resources: 'none' }).map(
    ({ kind, metadata }) => `${kind} ${metadata.name}`,
  )
  for (const wanted of [
    'CustomResourceDefinition destinationrules.networking.istio.io',
    'CustomResourceDefinition gateways.networking.istio.io',
    'CustomResourceDefinition virtualservices.networking.istio.io',
    'Secret edgemesh-agent-psk',
    'DaemonSet edgemesh-agent',
  ])
    t.ok(kinds.includes(wanted), wanted)
  t.end()
})

for (const { says, because } of [
  {
    says: 'failed to set open file handler limit to 64000: operation not permitted',
    because: /open files/,
  },
  { says: 'open /etc/edgemesh/psk: no such file or directory', because: /PSK/ },
  {
    says: 'failed to list *v1alpha3.DestinationRule: the server could not find the requested resource',
    because: /CRD/,
  },
  { says: 'pods is forbidden: User "x" cannot list', because: /lacks a right/ },
  { says: 'exec /usr/local/bin/edgemesh-agent: exec format error', because: /architecture/ },
  { says: '{"waiting":{"reason":"ErrImagePull"}}', because: /image/ },
])
  t.test(`the start failure "${says.slice(0, 40)}" is explained`, (t) => {
    t.match(whyNot(says), { because, cure: /./ })
    t.end()
  })

t.test('an unknown failure is explained by nobody', (t) => {
  t.equal(whyNot('all is well'), undefined)
  t.end()
})
