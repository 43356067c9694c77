import type { Mutant } from '../../../model/mutant.ts'

const responder = 'dns/responder.js'
const reflector = 'kube/reflector.js'
const watch = 'kube/cluster-watch.js'

/** Faults of how changes of the API reach names. */
export const dnsFreshnessMutants: readonly Mutant[] = [
  {
    id: 'dns-answers-stay',
    title: 'answers that were given once stay as they were',
    changes: [
      {
        file: responder,
        find: 'this.#zone = new Zone(snapshot, this.#init, this.#serial);',
        replace: 'this.#zone = new Zone(snapshot, this.#init, this.#serial); return;',
      },
    ],
    kills: ['DNSF-003', 'DNSF-004', 'DNSF-005', 'DNSF-006', 'DNSF-007', 'DNSF-008', 'DNSF-009'],
  },
  {
    id: 'dns-first-snapshot-only',
    title: 'what came after the first snapshot is not known',
    changes: [
      {
        file: responder,
        find: 'this.#zone = new Zone(snapshot, this.#init, this.#serial);',
        replace: 'this.#zone ??= new Zone(snapshot, this.#init, this.#serial);',
      },
    ],
    kills: ['DNSF-001'],
  },
  {
    id: 'dns-one-watch',
    title: 'a watch that ended is not begun again',
    changes: [
      {
        file: reflector,
        find: 'while (!signal.aborted) {',
        replace: 'for (let first = true; first; first = false) {',
      },
    ],
    kills: ['DNSF-011'],
  },
  {
    id: 'dns-gone-not-understood',
    title: '410 Gone does not lead to a new list',
    changes: [{ file: reflector, find: 'error.status === gone', replace: 'error.status === -1' }],
    kills: ['DNSF-012'],
  },
  {
    id: 'dns-forgets-offline',
    title: 'what is known is forgotten when the API fails',
    changes: [
      {
        file: watch,
        find: 'this.#failures[kind] += 1;',
        replace: 'this.#failures[kind] += 1; this.#sinks[kind].replace([]);',
      },
    ],
    kills: ['DNSF-013'],
  },
]
