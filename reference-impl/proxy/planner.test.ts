import t from 'tap'
import type {
  DestinationRuleView,
  PortEndpoint,
  ServicePortView,
  ServiceView,
} from '../kube/snapshot.ts'
import { type PortPlan, portsOf } from './plan.ts'
import { type PlanContext, planTraffic } from './planner.ts'

const ready = { ready: true, serving: true, terminating: false }
const endpoint = (address: string, change: Partial<PortEndpoint> = {}): PortEndpoint => ({
  address,
  port: 8080,
  nodeName: 'here',
  ...ready,
  ...change,
})
const port = (change: Partial<ServicePortView> = {}): ServicePortView => ({
  name: '',
  protocol: 'TCP',
  port: 80,
  endpoints: [endpoint('10.244.1.2'), endpoint('10.244.2.2', { nodeName: 'there' })],
  ...change,
})
const service = (change: Partial<ServiceView> = {}): ServiceView => ({
  namespace: 'default',
  name: 'web',
  type: 'ClusterIP',
  clusterIps: ['10.96.0.10'],
  externalIps: [],
  isHeadless: false,
  publishNotReadyAddresses: false,
  internalTrafficPolicy: 'Cluster',
  externalTrafficPolicy: 'Cluster',
  labels: {},
  annotations: {},
  ports: [port()],
  endpoints: [],
  ...change,
})
const context: PlanContext = {
  node: { name: 'here', addresses: ['192.168.1.1'], podCidrs: [] },
  ownAddresses: new Set(['192.168.1.1']),
  reservedAddresses: new Set(['192.168.1.1', '169.254.96.16']),
  busyPorts: new Set(['tcp/30001']),
  proxyAddress: () => '169.254.64.1',
}
const first = (change: Partial<ServiceView>): PortPlan => {
  const [planned] = portsOf(planTraffic([service(change)], context).plan)
  if (planned === undefined) throw new Error('no port was planned')
  return planned
}
const addresses = (change: Partial<ServiceView>): readonly string[] =>
  first(change).destinations.map((to) => `${to.address}:${to.port}`)

t.test(
  'http ports go to the proxy, everything else to the kernel; appProtocol beats the name',
  async (t) => {
    const way = (name: string, appProtocol?: string, protocol: 'TCP' | 'UDP' = 'TCP'): string =>
      first({
        ports: [port({ name, protocol, ...(appProtocol !== undefined && { appProtocol }) })],
      }).proxyAddress === undefined
        ? 'l4'
        : 'l7'
    t.same(
      [
        way('http'),
        way('http-0'),
        way('http-web'),
        way('x', 'http'),
        way('x', 'HTTP'),
        way('x', 'kubernetes.io/ws'),
      ],
      Array(6).fill('l7'),
    )
    t.same(
      [
        way(''),
        way('tcp-0'),
        way('https'),
        way('http2'),
        way('grpc'),
        way('http-0', 'tcp'),
        way('http-0', 'kubernetes.io/h2c'),
        way('http', undefined, 'UDP'),
      ],
      Array(8).fill('l4'),
    )
  },
)

t.test('externalIPs do not take the API away', (t) => {
  const kubernetes = service({
    name: 'kubernetes',
    clusterIps: ['10.96.0.1'],
    ports: [port({ port: 443, endpoints: [endpoint('192.168.1.9', { port: 6443 })] })],
  })
  const thief = service({ name: 'thief', externalIps: ['192.168.1.9', '192.168.1.8'] })
  const { plan, problems } = planTraffic([kubernetes, thief], context)
  t.same(portsOf(plan).find(({ id }) => id.includes('thief'))?.externalIps, ['192.168.1.8'])
  t.match(problems.join(), /thief.*192\.168\.1\.9/)
  t.end()
})

t.test('endpoints keep the port of their own slice, each once, in a stable order', async (t) => {
  const endpoints = [
    endpoint('10.244.2.9', { port: 9090 }),
    endpoint('10.244.1.2'),
    endpoint('10.244.2.9', { port: 9090 }),
    endpoint('fd00::1'),
    endpoint('10.244.1.3', { port: 0 }),
  ]
  t.same(addresses({ ports: [port({ endpoints })] }), ['10.244.1.2:8080', '10.244.2.9:9090'])
  t.same(addresses({ ports: [port({ endpoints: [...endpoints].reverse() })] }), [
    '10.244.1.2:8080',
    '10.244.2.9:9090',
  ])
})

t.test(
  'only ready endpoints, then terminating ones that serve, or all where the Service says so',
  async (t) => {
    const leaving = { ready: false, serving: true, terminating: true }
    const unready = { ready: false, serving: false, terminating: false }
    const endpoints = [endpoint('10.0.0.1', leaving), endpoint('10.0.0.2', unready)]
    t.same(addresses({ ports: [port({ endpoints: [...endpoints, endpoint('10.0.0.3')] })] }), [
      '10.0.0.3:8080',
    ])
    t.same(addresses({ ports: [port({ endpoints })] }), ['10.0.0.1:8080'])
    t.same(addresses({ ports: [port({ endpoints: [endpoint('10.0.0.2', unready)] })] }), [])
    t.same(addresses({ ports: [port({ endpoints })], publishNotReadyAddresses: true }), [
      '10.0.0.1:8080',
      '10.0.0.2:8080',
    ])
  },
)

t.test(
  'traffic policies Local choose the endpoints of this node, inside and outside apart',
  async (t) => {
    const plan = first({ internalTrafficPolicy: 'Local' })
    t.same(
      plan.destinations.map(({ address }) => address),
      ['10.244.1.2'],
    )
    t.same(
      plan.externalDestinations?.map(({ address }) => address),
      ['10.244.1.2', '10.244.2.2'],
    )
    const outside = first({ externalTrafficPolicy: 'Local' })
    t.same(outside.destinations.length, 2)
    t.same(
      outside.externalDestinations?.map(({ address }) => address),
      ['10.244.1.2'],
    )
    t.equal(first({}).externalDestinations, undefined)
  },
)

t.test('the inverted filter serves what bears the label, and nothing else', (t) => {
  const labels = { 'service.edgemesh.kubeedge.io/service-proxy-name': '' }
  const where = { ...context, serviceFilter: 'unlabelled' } as const
  t.equal(planTraffic([service({ labels })], where).plan.services.length, 1)
  t.equal(planTraffic([service({})], where).plan.services.length, 0)
  t.end()
})

t.test('headless, external and foreign Services are left alone', async (t) => {
  const untouched: readonly Partial<ServiceView>[] = [
    { isHeadless: true, clusterIps: [] },
    { type: 'ExternalName', clusterIps: [] },
    { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } },
    { labels: { 'service.edgemesh.kubeedge.io/service-proxy-name': '' } },
    { labels: { 'service.kubernetes.io/headless': '' } },
  ]
  for (const change of untouched) {
    const { plan, problems } = planTraffic([service(change)], context)
    t.same([plan.services, problems], [[], []])
  }
})

t.test('what cannot be served is told and takes nothing else along', async (t) => {
  const { plan, problems } = planTraffic(
    [
      service({ name: 'Bad"; flush ruleset' }),
      service({
        name: 'odd',
        clusterIps: ['10.96.0.11'],
        ports: [port({ port: 0 }), port({ port: 81 })],
      }),
      service({
        name: 'np',
        clusterIps: ['10.96.0.12'],
        ports: [port({ nodePort: 30_001 }), port({ port: 81, nodePort: 30_002 })],
      }),
      service({
        name: 'ext',
        clusterIps: ['10.96.0.13'],
        externalIps: ['10.96.0.12', '192.168.1.1', '127.0.0.1', '169.254.96.16', '203.0.113.5'],
      }),
    ],
    context,
  )
  t.same(
    portsOf(plan).map(({ id, nodePort, externalIps }) => [id, nodePort ?? 0, ...externalIps]),
    [
      ['default/odd/tcp/81', 0],
      ['default/np/tcp/80', 0],
      ['default/np/tcp/81', 30_002],
      ['default/ext/tcp/80', 0, '203.0.113.5'],
    ],
  )
  t.equal(problems.length, 7, problems.join('\n'))
  t.match(
    problems.join('\n'),
    'default/np:80: nodePort 30001/tcp is not served: a program on this node listens there',
  )
})

t.test('pods of this node are known as local, the node itself never is', async (t) => {
  const endpoints = [
    endpoint('10.244.1.2'),
    endpoint('192.168.1.1'),
    endpoint('10.244.2.2', { nodeName: 'there' }),
    { address: '10.244.9.9', port: 80, ...ready },
  ]
  const { plan } = planTraffic([service({ ports: [port({ endpoints })] })], context)
  t.same(plan.services[0]?.localPods, ['10.244.1.2'])
  t.same(plan.services[0]?.hairpins, ['10.244.1.2', '10.244.9.9'])
})

t.test('rules of the own namespace decide how ports are balanced', async (t) => {
  const rule: DestinationRuleView = {
    namespace: 'default',
    name: 'web',
    created: '',
    host: 'web.default.svc.cluster.local',
    policy: { kind: 'header', name: 'x-user' },
    ports: [{ port: 82, policy: 'random' }],
    notes: [],
  }
  const web = service({
    ports: [port({ name: 'http' }), port({ port: 81 }), port({ port: 82 })],
  })
  const planned = (
    services: readonly ServiceView[],
    ...destinationRules: readonly DestinationRuleView[]
  ): { readonly policies: readonly unknown[]; readonly problems: readonly string[] } => {
    const { plan, problems } = planTraffic(services, { ...context, destinationRules })
    return { policies: portsOf(plan).map(({ policy }) => policy), problems }
  }
  const http = planned([web], rule)
  t.same(http.policies, [rule.policy, 'round-robin', 'random'])
  t.match(http.problems, [
    /^Service default\/web port 81: consistentHash by header needs a port that is HTTP/,
  ])
  const sticky = planned([service({ affinitySeconds: 60, ports: [port({ name: 'http' })] })], rule)
  t.same(sticky.policies, ['round-robin'])
  t.match(sticky.problems, [/sessionAffinity ClientIP wins/])
  const foreign = planned([web], { ...rule, namespace: 'other' })
  t.same(foreign.policies, Array(3).fill('round-robin'))
  const source = planned([web], { ...rule, policy: { kind: 'source-address' }, ports: [] })
  t.same(source, { policies: Array(3).fill({ kind: 'source-address' }), problems: [] })
})

t.test('hints narrow the choice as long as nobody is left without', (t) => {
  const zoned = { ...context, node: { ...context.node, zone: 'z1' } }
  const chosen = (
    hints: readonly Partial<PortEndpoint>[],
    where: PlanContext = zoned,
  ): readonly string[] => {
    const endpoints = hints.map((hint, i) => endpoint(`10.244.1.${i + 1}`, hint))
    const { plan } = planTraffic([service({ ports: [port({ endpoints })] })], where)
    return (portsOf(plan)[0]?.destinations ?? []).map(({ address }) => address)
  }
  const [one, two, three] = ['10.244.1.1', '10.244.1.2', '10.244.1.3']
  const zones = [{ forZones: ['z1'] }, { forZones: ['z2'] }, { forZones: ['z1', 'z3'] }]
  t.same(chosen(zones), [one, three])
  t.same(chosen(zones, context), [one, two, three], 'a node without a zone')
  t.same(chosen([...zones.slice(1, 2), { forZones: ['z3'] }]), [one, two], 'none is for this zone')
  t.same(chosen([...zones, {}]).length, 4, 'one without a hint')
  t.same(chosen([{ forZones: ['z1'], ready: false }, ...zones.slice(1)]), [three], 'ready ones')
  const nodes = [{ forNodes: ['here'], forZones: ['z1'] }, { forNodes: ['there'] }]
  t.same(chosen(nodes), [one])
  t.same(chosen([...nodes.slice(1), { forNodes: ['far'], forZones: ['z1'] }]), [one, two])
  t.end()
})

t.test('a health check counts the ready endpoints of this node', (t) => {
  const checks = (endpoints: readonly PortEndpoint[], change: Partial<ServiceView> = {}): unknown =>
    planTraffic(
      [
        service({
          externalTrafficPolicy: 'Local',
          healthCheckNodePort: 31000,
          ports: [port({ endpoints }), port({ port: 81, endpoints })],
          ...change,
        }),
      ],
      context,
    ).healthChecks.map(({ localEndpoints }) => localEndpoints)
  const far = endpoint('10.244.2.2', { nodeName: 'there' })
  const leaving = { ready: false, serving: true, terminating: true }
  t.same(checks([endpoint('10.244.1.2'), far]), [1])
  t.same(checks([endpoint('10.244.1.2', leaving), far]), [0])
  t.same(checks([far], { externalTrafficPolicy: 'Cluster' }), [])
  t.end()
})
