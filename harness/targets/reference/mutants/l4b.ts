import type { Mutant } from '../../../model/mutant.ts'

const planner = 'proxy/planner.js'
const eligible = 'proxy/balance/eligible.js'
const base = 'proxy/netfilter/base.js'
const compile = 'proxy/netfilter/compile.js'

/** Faults of traffic policies, NodePorts and connections. */
export const l4bMutants: readonly Mutant[] = [
  {
    id: 'l4-internal-policy-ignored',
    title: 'internalTrafficPolicy Local is taken for Cluster',
    changes: [
      {
        file: planner,
        find: "service.internalTrafficPolicy === 'Local'",
        replace: 'false',
      },
    ],
    kills: ['L4-ITP-001', 'L4-ITP-002', 'L4-ITP-003', 'L4-ITP-004'],
  },
  {
    id: 'l4-local-policy-forgets-terminating',
    title:
      'policy Local has no use for an endpoint that terminates, though it is the last of its node',
    changes: [
      {
        file: eligible,
        find: 'serving && terminating',
        replace: 'false && serving && terminating',
      },
    ],
    kills: ['L4-ITP-004', 'L4-ETP-001'],
  },
  {
    id: 'l4-external-policy-ignored',
    title: 'externalTrafficPolicy Local is taken for Cluster',
    changes: [
      {
        file: planner,
        find: "service.externalTrafficPolicy === 'Local'",
        replace: 'false',
      },
    ],
    kills: ['L4-ETP-001'],
  },
  {
    id: 'l4-health-check-counts-terminating',
    title: 'the health check counts endpoints that terminate',
    changes: [
      {
        file: planner,
        find: 'ready && nodeName === node.name',
        replace: 'nodeName === node.name',
      },
    ],
    kills: ['L4-ETP-002'],
  },
  {
    id: 'l4-hints-ignored',
    title: 'hints of EndpointSlices are not looked at',
    changes: [
      {
        file: eligible,
        find: 'hints(candidate) === undefined',
        replace: 'true',
      },
    ],
    kills: ['L4-TD-001', 'L4-TD-002', 'L4-TD-003', 'LB-LOC-001'],
  },
  {
    id: 'l4-no-node-ports',
    title: 'NodePorts are not served',
    changes: [
      {
        file: compile,
        find: 'port.nodePort === undefined',
        replace: 'true',
      },
    ],
    kills: ['L4-NP-001', 'L4-NP-002', 'L4-NP-004', 'L4-NP-005', 'L4-ETP-001'],
  },
  {
    id: 'l4-node-port-in-use-stops-all',
    title: 'one nodePort that a program of the node holds keeps every later change away',
    changes: [
      {
        file: planner,
        find: 'is not served: a program on this node listens there already (ss -lnp)`);',
        replace: 'is busy`); throw new Error("busy");',
      },
    ],
    kills: ['L4-NP-003'],
  },
  {
    id: 'l4-no-hairpin',
    title: 'a pod that reaches itself through a Service is not masqueraded',
    changes: [
      {
        file: compile,
        find: "draft.element('hairpin', `${address} . ${address}`, '')",
        replace: 'void 0',
      },
    ],
    kills: ['L4-HP-001'],
  },
  {
    id: 'l4-no-external-ips',
    title: 'externalIPs are not served',
    changes: [
      { file: compile, find: 'const address of port.externalIps', replace: 'const address of []' },
    ],
    kills: ['L4-XIP-001'],
  },
  {
    id: 'l4-half-closed-is-closed',
    title: 'a connection of which one side has ended is cut',
    changes: [
      {
        file: base,
        find: 'chain forward { type filter hook forward priority filter - 5; policy accept;',
        replace:
          'chain forward { type filter hook forward priority filter - 5; policy accept; tcp flags & fin == fin ct status dnat reject with tcp reset;',
      },
    ],
    kills: ['L4-STR-001', 'L4-STR-002'],
  },
]
