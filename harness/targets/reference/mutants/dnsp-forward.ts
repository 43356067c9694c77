import type { Mutant } from '../../../model/mutant.ts'

const responder = 'dns/responder.js'
const forwarder = 'dns/forwarder.js'
const upstreams = 'dns/upstreams.js'
const exchange = 'dns/exchange.js'
const cache = 'dns/answer-cache.js'

/** Faults of forwarding, and of what is said before the cluster is known. */
export const dnspForwardMutants: readonly Mutant[] = [
  {
    id: 'dnsp-forward-flags',
    title: 'what was forwarded is authoritative, and recursion is not offered',
    changes: [
      {
        file: cache,
        find: 'flag.response | flag.recursionAvailable | kept',
        replace: 'flag.response | flag.authoritative | kept',
      },
    ],
    kills: ['DNSP-HDR-005', 'DNSP-HDR-006'],
  },
  {
    id: 'dnsp-zone-leaks',
    title: 'names of the zone that do not exist are asked for outside, too',
    changes: [
      {
        file: responder,
        find: 'const answer = this.#zone.lookUp(name, query.type);',
        replace:
          'const answer = this.#zone.lookUp(name, query.type); if (answer.code === responseCode.NXDOMAIN && this.#init.forwarder.isOffered) void this.#init.forwarder.ask(message, query);',
      },
    ],
    kills: ['DNSP-NEG-006'],
  },
  {
    id: 'dnsp-cache-does-not-age',
    title: 'TTLs of cached answers do not count down',
    changes: [
      { file: cache, find: 'if (ageSeconds !== entry.shownAgeSeconds)', replace: 'if (false)' },
    ],
    kills: ['DNSP-TTL-003'],
  },
  {
    id: 'dnsp-one-record',
    title: 'of what the upstream says one record is passed on',
    changes: [
      {
        file: cache,
        find: 'bytes.writeUInt16BE(count, 6 + 2 * i)',
        replace: 'bytes.writeUInt16BE(Math.min(1, count), 6 + 2 * i)',
      },
    ],
    kills: ['DNSP-FWD-001'],
  },
  {
    id: 'dnsp-one-error',
    title: 'every error of the upstream becomes SERVFAIL',
    changes: [
      {
        file: responder,
        find: 'const template = answer ?? ',
        replace:
          'const template = answer !== undefined && (answer.bytes[3] & 0xf) === 0 ? answer : ',
      },
    ],
    kills: ['DNSP-FWD-002'],
  },
  {
    id: 'dnsp-patient',
    title: 'a silent upstream is waited for 20 s',
    changes: [
      { file: upstreams, find: 'const deadlineMs = 4000;', replace: 'const deadlineMs = 20000;' },
    ],
    kills: ['DNSP-FWD-003'],
  },
  {
    id: 'dnsp-first-upstream-only',
    title: 'a silent upstream is not passed over',
    changes: [
      {
        file: upstreams,
        find: 'const triesAtMs = [0, 800, 2000];',
        replace: 'const triesAtMs = [0];',
      },
    ],
    kills: ['DNSP-FWD-004'],
  },
  {
    id: 'dnsp-forwards-over-tcp',
    title: 'the upstream is asked over TCP alone',
    changes: [
      {
        file: upstreams,
        find: 'const answer = await askUdp(pool, question, key, signal);',
        replace: 'const answer = await askTcp(server, question, key, signal);',
      },
    ],
    kills: ['DNSP-FWD-005'],
  },
  {
    id: 'dnsp-believes-anything',
    title: 'the first datagram that parses is the answer',
    changes: [
      {
        file: exchange,
        find: "socket.on('message', (message) => {",
        replace:
          "socket.on('message', (message) => { const any = parseResponse(message); if (any !== undefined) { finish({ ...any, key, message }); return; }",
      },
    ],
    kills: ['DNSP-FWD-006'],
  },
  {
    id: 'dnsp-asks-in-circles',
    title: 'a question that is under way is asked again',
    changes: [{ file: forwarder, find: 'if (open !== undefined)', replace: 'if (false)' }],
    kills: ['DNSP-FWD-007'],
  },
  {
    id: 'dnsp-slow-forward',
    title: 'forwarding takes 60 ms',
    changes: [
      {
        file: forwarder,
        find: 'const bytes = Buffer.from(message.subarray(headerBytes, query.questionEnd));',
        replace:
          'const bytes = Buffer.from(message.subarray(headerBytes, query.questionEnd)); await new Promise((done) => setTimeout(done, 60));',
      },
    ],
    kills: ['DNSP-FWD-008'],
  },
  {
    id: 'dnsp-nothing-known-nothing-there',
    title: 'nothing was saved, and what is not known yet does not exist',
    changes: [
      {
        file: 'kube/saved-state.js',
        find: "text = await readFile(this.#path, 'utf8');",
        replace: 'return undefined;',
      },
      {
        file: responder,
        find: 'return this.#send(this.#code(message, query, responseCode.SERVFAIL)',
        replace: 'return this.#send(this.#code(message, query, responseCode.NXDOMAIN)',
      },
    ],
    kills: ['DNSP-NEG-004'],
  },
]
