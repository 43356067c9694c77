import type { Mutant } from '../../../model/mutant.ts'

const clusterWatch = 'kube/cluster-watch.js'
const reflector = 'kube/reflector.js'

/** Faults of an agent that loses the API, or starts without it. */
export const edgeMutants: readonly Mutant[] = [
  {
    id: 'edge-forgets-at-restart',
    title: 'what was saved on disk is not read at the start',
    changes: [
      {
        file: clusterWatch,
        find: 'const found = await saved.load();',
        replace: 'const found = undefined;',
      },
    ],
    kills: ['EDGE-OFF-005'],
  },
  {
    id: 'edge-believes-empty-lists',
    title: 'an empty list in place of a filled one is believed at once',
    changes: [
      {
        file: reflector,
        find: 'found.items.length === 0 && sink.count() > 0',
        replace: 'false',
      },
    ],
    kills: ['EDGE-OFF-010'],
  },
  {
    id: 'edge-forgets-in-outage',
    title: 'what cannot be watched is forgotten',
    changes: [
      {
        file: clusterWatch,
        find: 'this.#failures[kind] += 1;',
        replace: 'this.#failures[kind] += 1; this.#sinks[kind].replace([]); this.#changed();',
      },
    ],
    kills: ['EDGE-OFF-001', 'EDGE-OFF-002', 'EDGE-OFF-007', 'EDGE-OFF-011', 'EDGE-OFF-012'],
  },
  {
    id: 'edge-deaf-to-new-objects',
    title: 'what is added while a watch is open is not taken',
    changes: [
      {
        file: reflector,
        find: "type === 'ADDED' || type === 'MODIFIED'",
        replace: "type === 'MODIFIED'",
      },
    ],
    kills: ['EDGE-OFF-009', 'EDGE-OFF-016'],
  },
  {
    id: 'edge-clears-rules-at-start',
    title: 'rules of a former agent are taken away before the cluster is known',
    changes: [
      {
        file: 'agent.js',
        find: 'const lock = await lockNode();',
        replace:
          "const lock = await lockNode(); (await import('node:child_process')).spawnSync('nft', ['delete', 'table', 'ip', 'meshmark']);",
      },
      {
        file: clusterWatch,
        find: 'const found = await saved.load();',
        replace: 'const found = undefined;',
      },
    ],
    kills: ['EDGE-OFF-021'],
  },
  {
    id: 'edge-always-ready',
    title: 'it says that it is ready before it knows anything',
    changes: [
      {
        file: 'admin/server.js',
        find: 'conditions.every(([, holds]) => holds) ? 200 : 503',
        replace: '200',
      },
    ],
    kills: ['EDGE-OBS-001'],
  },
  {
    id: 'edge-servfail-for-unknown',
    title: 'a name that does not exist is a failure of the server',
    changes: [
      {
        file: 'dns/zone.js',
        find: 'this.#negative(responseCode.NXDOMAIN)',
        replace: 'this.#negative(responseCode.SERVFAIL)',
      },
    ],
    kills: ['EDGE-OFF-003'],
  },
  {
    id: 'edge-nxdomain-before-sync',
    title: 'before anything is known every name of the zone does not exist',
    changes: [
      {
        file: 'dns/responder.js',
        find: 'return this.#send(this.#code(message, query, responseCode.SERVFAIL), message, query, limit);',
        replace:
          'return this.#send(this.#code(message, query, responseCode.NXDOMAIN), message, query, limit);',
      },
    ],
    kills: ['EDGE-OFF-017'],
  },
  {
    id: 'edge-host-is-no-client',
    title: 'connections of programs on the node itself are not translated',
    changes: [
      {
        file: 'proxy/netfilter/base.js',
        find: 'chain nat-output { type nat hook output priority -105; policy accept;',
        replace: 'chain nat-output { type nat hook output priority -105; policy accept; accept',
      },
    ],
    kills: ['EDGE-CLI-002'],
  },
  {
    id: 'edge-answers-pods-alone',
    title: 'the name server refuses programs on the host network',
    changes: [
      {
        file: 'dns/clients.js',
        find: "address === '::1' || this.#own.has(address))",
        replace:
          "address === '::1') return true; if (this.#own.has(address)) return false; if (false)",
      },
    ],
    kills: ['EDGE-CLI-005'],
  },
]
