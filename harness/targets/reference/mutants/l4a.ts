import type { Mutant } from '../../../model/mutant.ts'

const base = 'proxy/netfilter/base.js'
const compile = 'proxy/netfilter/compile.js'
const conntrack = 'proxy/netfilter/conntrack.js'
const records = 'kube/records.js'
const state = 'kube/cluster-state.js'
const view = 'kube/service-view.js'
const forward = 'type filter hook forward priority filter - 5; policy accept;'

/** Faults of the way from the cluster's objects to connections: reach, ports, affinity, readiness, UDP, life. */
export const l4aMutants: readonly Mutant[] = [
  {
    id: 'l4-pods-pass-by',
    title: 'packets of pods never meet the Services',
    changes: [
      {
        file: base,
        find: 'type nat hook prerouting priority dstnat - 5; policy accept;',
        replace: 'type nat hook prerouting priority dstnat - 5; policy accept; accept;',
      },
    ],
    kills: ['L4-TCP-001', 'L4-TCP-014', 'L4-UDP-001', 'L4-SRC-001'],
  },
  {
    id: 'l4-hosts-pass-by',
    title: 'packets of the host network never meet the Services',
    changes: [
      {
        file: base,
        find: 'type nat hook output priority -105; policy accept;',
        replace: 'type nat hook output priority -105; policy accept; accept;',
      },
    ],
    kills: ['L4-TCP-002'],
  },
  {
    id: 'l4-answer-takes-short-cut',
    title: 'a backend that reaches itself keeps its address, and the answer takes a short cut',
    changes: [
      {
        file: base,
        find: 'ip saddr . ip daddr @hairpin masquerade',
        replace: 'ip saddr . ip daddr @hairpin accept',
      },
    ],
    kills: ['L4-TCP-003'],
  },
  {
    id: 'l4-masquerade',
    title: 'every connection through a ClusterIP bears the address of the node',
    changes: [
      {
        file: base,
        find: 'ip saddr . ip daddr @hairpin masquerade',
        replace: 'masquerade',
      },
    ],
    kills: ['L4-SRC-001'],
  },
  {
    id: 'l4-ports-crossed',
    title: 'ports of a slice are taken by protocol, not by name',
    changes: [
      {
        file: view,
        find: 'slicePort.name !== name || slicePort.protocol !== protocol',
        replace: 'slicePort.protocol !== protocol',
      },
    ],
    kills: ['L4-TCP-004'],
  },
  {
    id: 'l4-no-target-port',
    title: 'endpoints are dialled at the port of the Service',
    changes: [{ file: view, find: 'slicePort.port ?? port', replace: 'port' }],
    kills: ['L4-TCP-005', 'L4-RDY-003'],
  },
  {
    id: 'l4-one-number',
    title: 'the port number of the first slice holds for all',
    changes: [
      {
        file: view,
        find: 'slicePort.port ?? port',
        replace: 'slices[0]?.ports.find((one) => one.name === name)?.port ?? port',
      },
    ],
    kills: ['L4-TCP-006'],
  },
  {
    id: 'l4-ports-stay',
    title: 'a Service keeps the ports that it lost',
    changes: [
      {
        file: state,
        find: 'views.set(key, serviceView(service, [',
        replace:
          'views.set(key, ((old, make) => (one, slices) => { const next = make(one, slices); return { ...next, ports: [...next.ports, ...(old?.ports ?? []).filter((had) => !next.ports.some((has) => has.port === had.port && has.protocol === had.protocol))] } })(this.#views.get(key), serviceView)(service, [',
      },
    ],
    kills: ['L4-TCP-007', 'L4-LIFE-004'],
  },
  {
    id: 'l4-services-stay',
    title: 'a deleted Service goes on, and keeps its ClusterIP',
    changes: [{ file: state, find: 'views.set(key, undefined)', replace: 'void key' }],
    kills: ['L4-TCP-008', 'L4-LIFE-001', 'L4-LIFE-003'],
  },
  {
    id: 'l4-gone-for-ever',
    title: 'a Service that was deleted is not served when it is made again',
    changes: [
      {
        file: state,
        find: 'const service = this.services.get(key)',
        replace:
          'const gone = (this.gone ??= new Set()); if (this.services.get(key) === undefined && this.#views.has(key)) gone.add(key); const service = gone.has(key) ? undefined : this.services.get(key)',
      },
    ],
    kills: ['L4-LIFE-002'],
  },
  {
    id: 'l4-controller-slices-only',
    title: 'slices that people make are overlooked',
    changes: [
      {
        file: records,
        find: 'const service = fields(labels)[serviceNameLabel]',
        replace:
          "const service = fields(labels)['endpointslice.kubernetes.io/managed-by'] === 'meshmark' ? undefined : fields(labels)[serviceNameLabel]",
      },
    ],
    kills: ['L4-TCP-009'],
  },
  {
    id: 'l4-nodes-only',
    title: 'endpoints without nodeName are overlooked',
    changes: [
      {
        file: records,
        find: 'address, ...view }))',
        replace: 'address, ...view })).filter((one) => one.nodeName !== undefined)',
      },
    ],
    kills: ['L4-TCP-010'],
  },
  {
    id: 'l4-silent-without-endpoints',
    title: 'what leads nowhere is dropped, not refused',
    changes: [
      {
        file: base,
        find: 'meta l4proto tcp reject with tcp reset',
        replace: 'meta l4proto tcp drop',
      },
      { file: base, find: 'reject with icmp port-unreachable', replace: 'drop' },
    ],
    kills: ['L4-NOEP-001', 'L4-NOEP-002', 'L4-NOEP-003'],
  },
  {
    id: 'l4-no-affinity',
    title: 'sessionAffinity is overlooked',
    changes: [
      {
        file: compile,
        find: '...(port.affinitySeconds === undefined',
        replace: '...(port.affinitySeconds !== -1',
      },
    ],
    kills: ['L4-AFF-001', 'L4-AFF-005', 'L4-AFF-007', 'L4-AFF-008'],
  },
  {
    id: 'l4-affinity-not-renewed',
    title: 'affinity lasts timeoutSeconds from the first connection, used or not',
    changes: [{ file: compile, find: '`update @${set} {', replace: '`add @${set} {' }],
    kills: ['L4-AFF-003'],
  },
  {
    id: 'l4-affinity-cut',
    title: 'affinity lasts an hour at most',
    changes: [
      {
        file: records,
        find: 'isNumber(affinity) ? affinity',
        replace: 'isNumber(affinity) ? Math.min(affinity, 3600)',
      },
    ],
    kills: ['L4-AFF-004'],
  },
  {
    id: 'l4-affinity-outlives',
    title: 'a client is sent to the backend that it stuck to, gone or not',
    changes: [
      {
        file: view,
        find: 'ports: service.ports.map((port) => ({ ...port, endpoints: portEndpoints(port, ordered) }))',
        replace:
          'ports: service.ports.map((port) => { const now = portEndpoints(port, ordered); const key = JSON.stringify([service.namespace, service.name, port]); const past = (globalThis.past ??= new Map()); if (service.affinitySeconds !== undefined) { if (!past.has(key) && now.length > 0) past.set(key, now); return { ...port, endpoints: past.get(key) ?? now } } return { ...port, endpoints: now } })',
      },
    ],
    kills: ['L4-AFF-007'],
  },
  {
    id: 'l4-all-are-ready',
    title: 'endpoints that are not ready get connections',
    changes: [{ file: records, find: "said['ready'] !== false", replace: 'true' }],
    kills: ['L4-RDY-001', 'L4-RDY-004', 'L4-UDP-006'],
  },
  {
    id: 'l4-first-slice',
    title: 'a slice that changes is not read again',
    changes: [
      {
        file: state,
        find: 'slices?.delete(before.name)',
        replace: 'if (after === undefined) slices?.delete(before.name)',
      },
      {
        file: state,
        find: 'slices.set(after.name, after)',
        replace: 'slices.has(after.name) ? slices : slices.set(after.name, after)',
      },
    ],
    kills: ['L4-RDY-002', 'L4-NOEP-003', 'L4-UDP-005', 'L4-LAT-001'],
  },
  {
    id: 'l4-no-last-resort',
    title: 'endpoints that terminate get nothing, though no others are left',
    changes: [
      {
        file: 'proxy/balance/eligible.js',
        find: 'serving && terminating)',
        replace: 'serving && terminating && false)',
      },
    ],
    kills: ['L4-RDY-005'],
  },
  {
    id: 'l4-connections-cut',
    title: 'open connections of an endpoint that leaves are forgotten, those of UDP are kept',
    changes: [
      { file: conntrack, find: "port.protocol !== 'udp'", replace: "port.protocol !== 'tcp'" },
      {
        file: conntrack,
        find: "'-L', '-f', 'ipv4', '-p', 'udp'",
        replace: "'-L', '-f', 'ipv4', '-p', 'tcp'",
      },
      {
        file: conntrack,
        find: "'-D', '-f', 'ipv4', '-p', 'udp'",
        replace: "'-D', '-f', 'ipv4', '-p', 'tcp'",
      },
    ],
    kills: ['L4-RDY-006', 'L4-UDP-005'],
  },
  {
    id: 'l4-large-datagrams-dropped',
    title: 'datagrams of more than 4096 bytes get lost',
    changes: [{ file: base, find: forward, replace: `${forward} udp length > 4104 drop;` }],
    kills: ['L4-UDP-002'],
  },
  {
    id: 'l4-late-answers-dropped',
    title: 'answers that come over 10 s after the last datagram get lost',
    changes: [
      {
        file: base,
        find: `chain forward { ${forward}`,
        replace: [
          'set recent { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 10s; }',
          `chain forward { ${forward}`,
          'meta l4proto udp ct direction original update @recent { ip saddr . udp sport }',
          'meta l4proto udp ct direction reply ip daddr . udp dport != @recent drop',
        ].join('\n'),
      },
    ],
    kills: ['L4-UDP-003'],
  },
  {
    id: 'l4-few-datagrams',
    title: 'of datagrams in a row most get lost',
    changes: [
      {
        file: base,
        find: forward,
        replace: `${forward} meta l4proto udp limit rate over 20/second burst 40 packets drop;`,
      },
    ],
    kills: ['L4-UDP-004', 'L4-UDP-007', 'L4-UDP-008'],
  },
  {
    id: 'l4-node-ports-overlooked',
    title: 'node ports are overlooked',
    changes: [
      {
        file: records,
        find: 'isPositive(nodePort) &&',
        replace: 'isPositive(nodePort) && false &&',
      },
    ],
    kills: ['L4-LIFE-005'],
  },
]
