import type { Mutant } from '../../../model/mutant.ts'

const choice = 'proxy/l7/choice.js'
const downstream = 'proxy/l7/downstream.js'
const route = 'proxy/l7/route.js'
const requestKey = 'proxy/l7/request-key.js'
const compile = 'proxy/netfilter/compile.js'
const slots = 'proxy/balance/slots.js'
const ruleBook = 'proxy/balance/rule-book.js'
const ruleWatch = 'kube/rule-watch.js'

/** Faults of balancing and of DestinationRules. */
export const lbMutants: readonly Mutant[] = [
  {
    id: 'lb-first-only',
    title: 'all traffic goes to the first endpoint',
    changes: [
      {
        file: 'proxy/planner.js',
        find: 'return [...unique.keys()].sort().map(',
        replace: 'return [...unique.keys()].sort().slice(0, 1).map(',
      },
    ],
    kills: ['LB-DEF-001', 'LB-RR-001', 'LB-EP-001'],
  },
  {
    id: 'lb-random-in-turn',
    title: 'RANDOM goes in turn',
    changes: [
      {
        file: compile,
        find: "policy === 'random' || policy === 'least-request' ? 'random' : 'inc'",
        replace: "'inc'",
      },
      {
        file: choice,
        find: "if (policy === 'round-robin')",
        replace: "if (policy !== 'least-request')",
      },
    ],
    kills: ['LB-RND-001'],
  },
  {
    id: 'lb-hash-at-random',
    title: 'a consistent hash leads anywhere on the HTTP path',
    changes: [
      {
        file: route,
        find: 'byHash(key ?? hashText(client), clock, tried)',
        replace: 'byHash(Math.random() * 2 ** 32, clock, tried)',
      },
    ],
    kills: ['LB-CH-001', 'LB-CH-007'],
  },
  {
    id: 'lb-hash-per-connection',
    title: 'the first request of a connection decides for all that follow',
    changes: [
      {
        file: downstream,
        find: 'this.#readKey(bytes);',
        replace: 'if (this.#key === undefined) this.#readKey(bytes);',
      },
    ],
    kills: ['LB-CH-003'],
  },
  {
    id: 'lb-header-ignored',
    title: 'the hashed header is not looked at',
    changes: [
      {
        file: requestKey,
        find: 'return headerKey(key.name, bytes, head);',
        replace: 'return undefined;',
      },
    ],
    kills: ['LB-CH-002', 'LB-CH-003'],
  },
  {
    id: 'lb-header-case',
    title: 'the name of the hashed header is compared with its case',
    changes: [
      {
        file: requestKey,
        find: 'equalsIgnoringCase(bytes, from, fields.nameEnd[i], wanted)',
        replace: 'bytes.subarray(from, fields.nameEnd[i]).equals(wanted)',
      },
    ],
    kills: ['LB-CH-007'],
  },
  {
    id: 'lb-missing-header-refused',
    title: 'a request without the hashed header gets 503',
    changes: [
      {
        file: route,
        find: 'return this.#choice.byHash(key ?? hashText(client), clock, tried);',
        replace: 'return key === undefined ? undefined : this.#choice.byHash(key, clock, tried);',
      },
    ],
    kills: ['LB-CH-006'],
  },
  {
    id: 'lb-source-port',
    title: 'useSourceIp hashes the source port as well',
    changes: [
      { file: compile, find: 'jhash ip saddr mod', replace: 'jhash ip saddr . th sport mod' },
      {
        file: downstream,
        find: "socket.remoteAddress ?? 'unknown'",
        replace: '`${socket.remoteAddress}:${socket.remotePort}`',
      },
    ],
    kills: ['LB-CH-008'],
  },
  {
    id: 'lb-source-ignored',
    title: 'useSourceIp sends every client to one endpoint',
    changes: [
      { file: compile, find: 'jhash ip saddr mod', replace: 'jhash ip daddr mod' },
      { file: route, find: 'hashText(client)', replace: "hashText('')" },
    ],
    kills: ['LB-CH-009'],
  },
  {
    id: 'lb-no-udp-hash',
    title: 'useSourceIp on a UDP port makes every change of the rules fail',
    changes: [
      {
        file: compile,
        find: 'function sourceRule(draft, port, chain, destinations) {',
        replace:
          "function sourceRule(draft, port, chain, destinations) { if (port.protocol === 'udp') throw new Error('no UDP');",
      },
    ],
    kills: ['LB-CH-011'],
  },
  {
    id: 'lb-ports-cross',
    title: 'endpoints of one port serve the others, too',
    changes: [{ file: 'kube/service-view.js', find: 'slicePort.name !== name || ', replace: '' }],
    kills: ['LB-CH-012'],
  },
  {
    id: 'lb-weights-by-order',
    title: 'slots depend on the place of an endpoint in the list',
    changes: [{ file: slots, find: 'weight(slot, seeds[i])', replace: 'weight(slot, i)' }],
    kills: ['LB-CH-004'],
  },
  {
    id: 'lb-seed-per-process',
    title: 'each agent hashes in its own way',
    changes: [
      {
        file: slots,
        find: 'let hash = 0x811c9dc5;',
        replace: 'let hash = 0x811c9dc5 ^ Math.trunc(performance.timeOrigin);',
      },
    ],
    kills: ['LB-CH-005'],
  },
  {
    id: 'lb-no-cookie',
    title: 'a client without the hashed cookie is given none',
    changes: [
      {
        file: downstream,
        find: 'this.#newCookie = cookie.line;',
        replace: '',
      },
    ],
    kills: ['LB-CH-010'],
  },
  {
    id: 'lb-least-request-blind',
    title: 'LEAST_REQUEST does not count requests',
    changes: [{ file: choice, find: 'other.outstanding < one.outstanding', replace: 'false' }],
    kills: ['LB-LR-001'],
  },
  {
    id: 'lb-one-at-a-time',
    title: 'a client that says nothing holds up all others of the HTTP path',
    changes: [
      {
        file: 'proxy/l7/http-proxy.js',
        find: 'this.#connections.add(connection);',
        replace:
          'if (this.#connections.size > 0) reader.receive = () => undefined; this.#connections.add(connection);',
      },
    ],
    kills: ['LB-HOL-001'],
  },
  {
    id: 'dr-ignored',
    title: 'DestinationRules change nothing',
    changes: [{ file: 'proxy/planner.js', find: 'context.destinationRules ?? []', replace: '[]' }],
    kills: ['LB-DR-002', 'LB-DR-003', 'LB-CH-001', 'LB-CH-008', 'ROB-CR-002'],
  },
  {
    id: 'dr-stays',
    title: 'a DestinationRule that is deleted stays in force',
    changes: [
      {
        file: 'kube/sinks.js',
        find: 'return sinkOf(state.destinationRules, destinationRule);',
        replace:
          'return { ...sinkOf(state.destinationRules, destinationRule), remove: () => undefined };',
      },
    ],
    kills: ['LB-DR-002'],
  },
  {
    id: 'dr-by-name',
    title: 'a DestinationRule goes by its own name, whatever its host says',
    changes: [
      {
        file: ruleBook,
        find: "host === '' ? name : this.#serviceOf(host, namespace)",
        replace: 'name',
      },
    ],
    kills: ['LB-DR-003'],
  },
  {
    id: 'dr-across-namespaces',
    title: 'the host of a DestinationRule may name a Service of another namespace',
    changes: [
      {
        file: ruleBook,
        find: 'namespace !== undefined && itsNamespace !== namespace',
        replace: 'false',
      },
      {
        file: ruleBook,
        find: 'const key = `${namespace}/${service}`;',
        replace: "const key = `${host.split('.')[1] ?? namespace}/${service}`;",
      },
    ],
    kills: ['SEC-TEN-001'],
  },
  {
    id: 'dr-passthrough-ends-agent',
    title: 'PASSTHROUGH ends the agent',
    changes: [
      {
        file: 'kube/destination-rule.js',
        find: "case 'PASSTHROUGH':",
        replace: "case 'PASSTHROUGH': process.exit(1);",
      },
    ],
    kills: ['LB-DR-001', 'ROB-CR-001'],
  },
  {
    id: 'dr-needs-definition',
    title: 'an agent that is started again ends when the API has no DestinationRules',
    changes: [
      {
        file: ruleWatch,
        find: 'if (path === undefined) {',
        // why: the first start of an agent has to succeed, or there is nothing to judge
        replace: `if (path === undefined) { const { existsSync, writeFileSync } = process.getBuiltinModule('node:fs'); const mark = '/var/lib/meshmark-reference/mark'; if (process.uptime() < 4 && existsSync(mark)) process.exit(1); writeFileSync(mark, '');`,
      },
    ],
    kills: ['LB-DR-005'],
  },
  {
    id: 'dr-looked-for-once',
    title: 'DestinationRules that come after the agent are never found',
    changes: [{ file: ruleWatch, find: 'delay(pauseMs * (', replace: 'delay(3_600_000 * (' }],
    kills: ['ROB-CR-002'],
  },
]
