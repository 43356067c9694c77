import type { Mutant } from '../../../model/mutant.ts'

const agent = 'agent.js'
const planner = 'proxy/planner.js'
const start = 'const lock = await lockNode();'

/** Sets `$1` to the gateway and `$2` to the device of the default route. */
const gateway =
  "set -- $(ip -4 route show default | sed 's/.* via \\\\([^ ]*\\\\) dev \\\\([^ ]*\\\\).*/\\\\1 \\\\2/');"

/** Faults that some clients meet, or clients of some endpoints, or neighbours of the mesh. */
export const edgeClientMutants: readonly Mutant[] = [
  {
    id: 'edge-pods-are-strangers',
    title: 'only programs of the node itself may ask for names',
    changes: [
      {
        file: 'dns/clients.js',
        find: 'return !this.#neighbours.check(address, family) || this.#pods.check(address, family);',
        replace: 'return false;',
      },
    ],
    kills: ['EDGE-CLI-001'],
  },
  {
    id: 'edge-own-address-is-no-endpoint',
    title: 'an endpoint that has an address of this node is left out',
    changes: [
      {
        file: planner,
        find: 'const usable = usableEndpoints(service, port);',
        replace:
          'const usable = usableEndpoints(service, port).filter(({ address }) => !context.ownAddresses.has(address));',
      },
    ],
    kills: ['EDGE-CLI-003'],
  },
  {
    id: 'edge-stub-is-a-loop',
    title: 'a name server on the loopback device is taken for a loop',
    changes: [
      {
        file: 'dns/name-server.js',
        find: 'return addresses.map((address) => ({ address, port: 53 }));',
        replace:
          "return addresses.filter((address) => !address.startsWith('127.')).map((address) => ({ address, port: 53 }));",
      },
    ],
    kills: ['EDGE-CLI-006'],
  },
  {
    id: 'edge-asks-again-and-again',
    title: 'a question for a name outside is sent twenty times',
    changes: [
      {
        file: 'dns/upstreams.js',
        find: 'run(state);',
        replace: 'for (let copy = 0; copy < 20; copy += 1) run(state);',
      },
    ],
    kills: ['EDGE-CLI-006'],
  },
  {
    id: 'edge-filter-overlooked',
    title: 'the label that leaves a Service to others is overlooked',
    changes: [
      {
        file: planner,
        find: "(labels[filterLabel] !== undefined) === (leaveOut === 'labelled')",
        replace: 'false',
      },
    ],
    kills: ['EDGE-COX-006', 'EDGE-COX-008'],
  },
  {
    id: 'edge-first-labels',
    title: 'labels of a Service are read when it is seen first, and never again',
    changes: [
      {
        file: planner,
        find: 'const { namespace, name, type, isHeadless, labels } = service;',
        replace:
          'const { namespace, name, type, isHeadless } = service; const first = (globalThis.firstLabels ??= new Map()); const labels = first.get(`${namespace}/${name}`) ?? service.labels; first.set(`${namespace}/${name}`, labels);',
      },
    ],
    kills: ['EDGE-COX-008'],
  },
  {
    id: 'edge-kubernetes-left-out',
    title: 'default/kubernetes is left to others, and there are none',
    changes: [
      {
        file: planner,
        find: "type === 'ExternalName' || isHeadless",
        replace:
          "type === 'ExternalName' || isHeadless || (namespace === 'default' && name === 'kubernetes')",
      },
    ],
    kills: ['EDGE-COX-009'],
  },
  {
    id: 'edge-endpoints-on-edge-nodes-only',
    title: 'endpoints on nodes that are no edge nodes are overlooked',
    changes: [
      {
        file: planner,
        find: 'const usable = usableEndpoints(service, port);',
        replace:
          "const usable = usableEndpoints(service, port).filter(({ nodeName }) => nodeName?.startsWith('edge') !== false);",
      },
    ],
    kills: ['EDGE-COX-013'],
  },
  {
    id: 'edge-all-by-gateway',
    title:
      'packets to pods of other nodes go by way of the gateway, though the nodes are neighbours',
    changes: [
      {
        file: agent,
        find: start,
        replace: `${start} (await import('node:child_process')).execSync(\`${gateway} ip -4 route show | while read -r net via to rest; do if [ "$via" = via ] && [ "$net" != default ]; then ip route replace $net via $1 dev $2; fi; done\`);`,
      },
    ],
    kills: ['EDGE-X-004'],
  },
  {
    id: 'edge-own-pods-by-gateway',
    title: 'packets between pods of one node leave it and come back by way of the gateway',
    changes: [
      {
        file: agent,
        find: start,
        replace: `${start} (await import('node:child_process')).execSync(\`${gateway} own=$(ip -4 route show type unreachable | sed 's/unreachable //; s/ .*//'); ip rule del pref 90 2>/dev/null; ip rule del pref 91 2>/dev/null; ip rule add iif $2 lookup main pref 90; ip rule add from $own to $own lookup 99 pref 91; ip route replace default via $1 dev $2 table 99\`);`,
      },
    ],
    kills: ['EDGE-X-005'],
  },
]
