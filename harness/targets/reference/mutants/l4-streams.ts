import type { Mutant } from '../../../model/mutant.ts'

const base = 'proxy/netfilter/base.js'
const forward = 'type filter hook forward priority filter - 5; policy accept;'

/** Faults of one TCP connection, or of many at once. */
export const l4StreamMutants: readonly Mutant[] = [
  {
    id: 'l4-bulk-cut',
    title: 'connections are reset once Services carried 100 MB',
    changes: [
      {
        file: base,
        find: forward,
        replace: `${forward}\n    meta l4proto tcp ct status dnat quota over 100 mbytes reject with tcp reset`,
      },
    ],
    kills: ['L4-STR-004'],
  },
  {
    id: 'l4-answers-stall',
    title:
      'what comes back of a busy connection gets lost after 16 MB, while all that is sent arrives',
    changes: [
      {
        file: base,
        find: forward,
        replace: `${forward}\n    meta l4proto tcp ct status dnat ct direction reply meta length > 200 quota over 16 mbytes drop`,
      },
    ],
    kills: ['L4-STR-005'],
  },
  {
    id: 'l4-few-at-once',
    title: 'more than 500 connections at once are refused',
    changes: [
      {
        file: base,
        find: forward,
        replace: `${forward}\n    meta l4proto tcp ct status dnat ct state new ct count over 500 reject with tcp reset`,
      },
    ],
    kills: ['L4-STR-009'],
  },
  {
    id: 'l4-ends-get-lost',
    title: 'the ends of connections get lost, and their entries stay in the kernel',
    changes: [
      {
        file: base,
        find: forward,
        replace: `${forward}\n    meta l4proto tcp ct status dnat tcp flags & (fin | rst) != 0 drop`,
      },
    ],
    kills: ['L4-STR-009', 'L4-STR-010'],
  },
  {
    id: 'l4-many-are-an-attack',
    title: 'more than 200 new connections in a second are taken for an attack and refused',
    changes: [
      {
        file: base,
        find: forward,
        replace: `${forward}\n    meta l4proto tcp ct status dnat ct state new limit rate over 200/second burst 200 packets reject with tcp reset`,
      },
    ],
    kills: ['L4-STR-010'],
  },
  {
    id: 'l4-changes-cut',
    title: 'each change of the rules forgets every TCP connection, and what goes on is refused',
    changes: [
      {
        file: 'proxy/netfilter/netfilter.js',
        find: 'await this.#forget(stale);',
        replace:
          "await this.#forget(stale); (await import('node:child_process')).spawnSync('conntrack', ['-D', '-f', 'ipv4', '-p', 'tcp', '--dst-nat']);",
      },
      {
        file: base,
        find: forward,
        replace: `${forward}\n    meta l4proto tcp ct status dnat ct state new tcp flags & syn == 0 reject with tcp reset`,
      },
    ],
    kills: ['L4-STR-012'],
  },
  {
    id: 'l4-one-after-the-other',
    title: 'in user space, a connection waits until the one before it was answered',
    changes: [
      { file: 'main.js', find: "proxyMode === 'userspace'", replace: 'true' },
      {
        file: 'proxy/userspace/tcp-forwarder.js',
        find: 'this.#forward(client, new Set());',
        replace: [
          '(globalThis.line = (globalThis.line ?? Promise.resolve()).then(() => new Promise((done) => {',
          "client.once('close', done);",
          'const write = client.write;',
          'client.write = (...bytes) => { done(); return write.apply(client, bytes); };',
          'if (client.destroyed) done();',
          'else this.#forward(client, new Set());',
          '})));',
        ].join(' '),
      },
    ],
    kills: ['L4-STR-014'],
  },
  {
    id: 'l4-resets-get-lost',
    title: 'resets of backends never come to their clients',
    changes: [
      {
        file: base,
        find: forward,
        replace: `${forward}\n    meta l4proto tcp ct status dnat ct direction reply tcp flags & rst != 0 drop`,
      },
    ],
    kills: ['L4-STR-003', 'L4-STR-016'],
  },
  {
    id: 'l4-no-path-mtu',
    title: 'what a router says of a narrow path never comes to the client',
    changes: [
      {
        file: base,
        find: forward,
        replace: `${forward}\n    icmp type destination-unreachable icmp code frag-needed drop`,
      },
    ],
    kills: ['L4-MTU-001'],
  },
]
