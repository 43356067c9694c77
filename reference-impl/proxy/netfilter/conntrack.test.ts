import t from 'tap'
import type { PortPlan, ServicePlan } from '../plan.ts'
import { tcpFronts, untranslatedFlows } from './conntrack.ts'

/** As conntrack 1.4.7 lists them: one that met no rule, one that was translated, one to somewhere else. */
const listed = [
  'tcp      6 112 SYN_SENT src=10.244.1.5 dst=10.96.0.20 sport=40001 dport=81 [UNREPLIED] src=10.96.0.20 dst=10.244.1.5 sport=81 dport=40001 mark=0 use=1',
  'tcp      6 112 SYN_SENT src=10.244.1.5 dst=10.96.0.20 sport=40002 dport=81 [UNREPLIED] src=10.96.0.20 dst=10.244.1.5 sport=81 dport=40002 mark=0 use=1',
  'tcp      6 112 SYN_SENT src=10.244.1.5 dst=10.96.0.21 sport=40003 dport=81 [UNREPLIED] src=10.244.2.7 dst=10.244.1.5 sport=8081 dport=40003 mark=0 use=1',
  'tcp      6 112 SYN_SENT src=10.244.1.5 dst=192.0.2.1 sport=40004 dport=81 [UNREPLIED] src=192.0.2.1 dst=10.244.1.5 sport=81 dport=40004 mark=0 use=1',
  'conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.',
].join('\n')

t.test('attempts that were not translated are found by their front, each front once', (t) => {
  t.same(untranslatedFlows(listed, new Set(['10.96.0.20:81', '10.96.0.21:81'])), [
    ['--orig-dst', '10.96.0.20', '--orig-port-dst', '81', '--reply-src', '10.96.0.20'],
  ])
  t.same(untranslatedFlows(listed, new Set(['10.96.0.20:80'])), [], 'another port is not meant')
  t.end()
})

t.test('fronts are addresses of TCP ports behind which there is something', (t) => {
  const port: PortPlan = {
    id: 'a/web/tcp/81',
    label: 'a/web:tcp-0',
    protocol: 'tcp',
    port: 81,
    clusterIps: ['10.96.0.20'],
    externalIps: ['192.0.2.80'],
    policy: 'round-robin',
    destinations: [{ address: '10.244.2.7', port: 8081 }],
  }
  const plan = (...ports: readonly PortPlan[]): readonly ServicePlan[] => [
    { ports, clusterIps: [], localPods: [], hairpins: [] },
  ]
  t.same([...tcpFronts([])], [])
  t.same([...tcpFronts(plan(port))], ['10.96.0.20:81', '192.0.2.80:81'])
  t.same([...tcpFronts(plan({ ...port, protocol: 'udp' }, { ...port, destinations: [] }))], [])
  const proxied = { ...port, destinations: [], proxyAddress: '169.254.64.1' }
  t.same([...tcpFronts(plan(proxied))], ['10.96.0.20:81', '192.0.2.80:81'], 'the proxy answers')
  t.end()
})
