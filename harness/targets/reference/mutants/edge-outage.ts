import type { Mutant } from '../../../model/mutant.ts'

const clusterWatch = 'kube/cluster-watch.js'
const failed = 'this.#failures[kind] += 1;'

/** Faults of an agent whose API, or whose way into the world, is away for a while, or talks much. */
export const edgeOutageMutants: readonly Mutant[] = [
  {
    id: 'edge-gives-up-late',
    title: 'a name server that does not answer is waited for for 9 s',
    changes: [
      {
        file: 'dns/upstreams.js',
        find: 'const deadlineMs = 4000;',
        replace: 'const deadlineMs = 9000;',
      },
    ],
    kills: ['EDGE-OFF-004'],
  },
  {
    id: 'edge-one-question-at-a-time',
    title: 'questions wait until the one before was answered, also those for names of the cluster',
    changes: [
      {
        file: 'dns/udp-server.js',
        find: 'const answer = responder.respond(message, false);',
        replace:
          'const answer = (onMessage.line ?? Promise.resolve()).then(() => responder.respond(message, false)); onMessage.line = answer.catch(() => undefined);',
      },
    ],
    kills: ['EDGE-OFF-004'],
  },
  {
    id: 'edge-failures-add-up',
    title: 'each failed watch leaves a timer that goes through all that is known',
    changes: [
      {
        file: clusterWatch,
        find: failed,
        replace: `${failed} setInterval(() => { const until = performance.now() + 0.7; while (performance.now() < until) this.#state.records(); }, 250);`,
      },
    ],
    kills: ['EDGE-OFF-007'],
  },
  {
    id: 'edge-failures-keep-memory',
    title: 'each failed watch keeps 4 MiB that were set aside for its answer',
    changes: [
      {
        file: clusterWatch,
        find: failed,
        replace: `${failed} (this.kept ??= []).push(Buffer.alloc(4 << 20, 1));`,
      },
    ],
    kills: ['EDGE-OFF-018'],
  },
  {
    id: 'rob-flood-loses-events',
    title: 'of more than a hundred events in a second every seventh is passed over',
    changes: [
      {
        file: 'kube/reflector.js',
        find: "if (type === 'ADDED' || type === 'MODIFIED')",
        replace: [
          'const flood = (globalThis.flood ??= { second: 0, events: 0 });',
          'const second = Math.floor(performance.now() / 1000);',
          'if (flood.second !== second) Object.assign(flood, { second, events: 0 });',
          'flood.events += 1;',
          'if (flood.events > 100 && flood.events % 7 === 0) onContact();',
          "else if (type === 'ADDED' || type === 'MODIFIED')",
        ].join(' '),
      },
    ],
    kills: ['ROB-API-005'],
  },
  {
    id: 'edge-dead-neighbours-stay',
    title: 'endpoints of the node that end while the API is away go on being chosen',
    changes: [
      {
        file: 'local-endpoints.js',
        find: 'this.#init.isOffline()',
        replace: 'false',
      },
    ],
    kills: ['EDGE-OFF-013'],
  },
]
