import fc from 'fast-check'
import t from 'tap'
import { namespaceRecord, nodeRecord, serviceRecord, sliceRecord } from './records.ts'
import { serviceView } from './service-view.ts'

const metadata = { name: 'web', namespace: 'default' }

t.test('a Service is read with the defaults of the API', async (t) => {
  t.same(serviceRecord({ metadata, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] } }), {
    namespace: 'default',
    name: 'web',
    type: 'ClusterIP',
    isHeadless: false,
    clusterIps: ['10.96.0.1'],
    externalIps: [],
    publishNotReadyAddresses: false,
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    labels: {},
    annotations: {},
    ports: [{ name: '', protocol: 'TCP', port: 80 }],
  })
})

t.test('a Service is read with all that is set', async (t) => {
  const record = serviceRecord({
    metadata: {
      ...metadata,
      labels: { app: 'web' },
      annotations: { a: 'b', 'kubectl.kubernetes.io/last-applied-configuration': '{"large":1}' },
    },
    spec: {
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.1', 'fd00::1'],
      externalIPs: ['203.0.113.1'],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 30 } },
      publishNotReadyAddresses: true,
      internalTrafficPolicy: 'Local',
      externalTrafficPolicy: 'Local',
      ports: [
        { name: 'dns', protocol: 'UDP', port: 53, nodePort: 30053, appProtocol: 'x' },
        { name: 'bad', port: 'eighty' },
      ],
    },
    status: {
      loadBalancer: {
        ingress: [
          { ip: '198.51.100.1' },
          { ip: '198.51.100.2', ipMode: 'Proxy' },
          { hostname: 'x' },
        ],
      },
    },
  })
  t.match(record, {
    type: 'LoadBalancer',
    clusterIps: ['10.96.0.1', 'fd00::1'],
    affinitySeconds: 30,
    publishNotReadyAddresses: true,
    internalTrafficPolicy: 'Local',
    externalTrafficPolicy: 'Local',
    labels: { app: 'web' },
    ports: [{ name: 'dns', protocol: 'UDP', port: 53, nodePort: 30053, appProtocol: 'x' }],
  })
  t.same(record?.externalIps, ['203.0.113.1', '198.51.100.1'])
  t.same(record?.annotations, { a: 'b' })
  t.equal(record?.ports.length, 1)
})

t.test('headless and ExternalName Services have no ClusterIP', async (t) => {
  t.match(serviceRecord({ metadata, spec: { clusterIP: 'None' } }), {
    isHeadless: true,
    clusterIps: [],
  })
  t.match(
    serviceRecord({
      metadata,
      spec: { type: 'ExternalName', externalName: 'a.example', clusterIP: '10.96.0.1' },
    }),
    { isHeadless: false, clusterIps: [], externalName: 'a.example' },
  )
})

t.test('conditions that are absent mean ready, serving and not terminating', async (t) => {
  const slice = sliceRecord({
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: [
      { addresses: ['10.0.0.1', '10.0.0.9'] },
      { addresses: ['10.0.0.2'], conditions: { ready: false } },
      { addresses: ['10.0.0.3'], conditions: { ready: false, serving: true, terminating: true } },
      { addresses: [] },
      null,
    ],
  })
  t.same(slice?.endpoints, [
    { address: '10.0.0.1', ready: true, serving: true, terminating: false },
    { address: '10.0.0.2', ready: false, serving: false, terminating: false },
    { address: '10.0.0.3', ready: false, serving: true, terminating: true },
  ])
  t.equal(sliceRecord({ metadata, addressType: 'IPv4' }), undefined, 'of no Service')
})

t.test('an endpoint in two slices is one endpoint, ready if either says so', async (t) => {
  const service = serviceRecord({
    metadata,
    spec: { clusterIP: 'None', ports: [{ name: 'a', port: 80 }] },
  })
  const slice = (name: string, ready: boolean): NonNullable<ReturnType<typeof sliceRecord>> => {
    const record = sliceRecord({
      metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
      ports: [
        { name: 'a', port: 8080 },
        { name: 'b', port: 1 },
      ],
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready } }],
    })
    if (record === undefined) throw new Error('not a slice')
    return record
  }
  if (service === undefined) throw new Error('not a Service')
  const view = serviceView(service, [slice('x', false), slice('y', true)])
  t.match(view.ports, [{ endpoints: [{ address: '10.0.0.1', port: 8080, ready: true }] }])
  t.equal(view.ports[0]?.endpoints.length, 1)
  t.equal(view.endpoints.length, 1)
})

t.test('JSON of any kind is read or refused, never a crash', async (t) => {
  const spiced = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.jsonValue(), tie('object')),
    object: fc.dictionary(
      fc.constantFrom(
        'metadata',
        'name',
        'namespace',
        'labels',
        'spec',
        'status',
        'ports',
        'port',
        'endpoints',
        'addresses',
        'conditions',
        'clusterIPs',
        'podCIDR',
        'type',
        'kubernetes.io/service-name',
      ),
      tie('value'),
    ),
  })).object
  fc.assert(
    fc.property(spiced, (object) => {
      for (const read of [serviceRecord, sliceRecord, nodeRecord, namespaceRecord]) read(object)
    }),
    { numRuns: 300 },
  )
  t.pass()
})
