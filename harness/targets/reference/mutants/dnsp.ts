import type { Mutant } from '../../../model/mutant.ts'

const zone = 'dns/zone.js'
const responder = 'dns/responder.js'
const udp = 'dns/udp-server.js'
const tcp = 'dns/tcp-server.js'
const query = 'wire/dns-query.js'
const reply = 'wire/dns-reply.js'
const name = 'wire/dns-name.js'

/** Faults in how the name server speaks. */
export const dnspMutants: readonly Mutant[] = [
  {
    id: 'dnsp-question-not-copied',
    title: 'the reply has the question as somebody else wrote it before',
    changes: [
      {
        file: reply,
        find: 'message.copy(out, headerBytes, headerBytes, questionEnd);',
        replace: '',
      },
    ],
    kills: ['DNSP-HDR-001', 'DNSP-HDR-003'],
  },
  {
    id: 'dnsp-case-sensitive',
    title: 'a name in other letters is another name',
    changes: [
      {
        file: query,
        find: 'let upper = false;',
        replace:
          'let upper = false; nameEnd += 0; return message.toString("latin1", headerBytes, nameEnd + 4);',
      },
      { file: name, find: 'return /[A-Z]/.test(label) ? ', replace: 'return false ? ' },
    ],
    kills: ['DNSP-HDR-002'],
  },
  {
    id: 'dnsp-not-authoritative',
    title: 'AA is never set',
    changes: [{ file: responder, find: '(authoritative ? flag.authoritative : 0)', replace: '0' }],
    kills: ['DNSP-HDR-004'],
  },
  {
    id: 'dnsp-other-port',
    title: 'replies come from another port than was asked',
    changes: [
      {
        file: udp,
        find: 'socket.send(answer, port, address);',
        replace: "createSocket('udp4').send(answer, port, address);",
      },
    ],
    kills: ['DNSP-HDR-007'],
  },
  {
    id: 'dnsp-answers-responses',
    title: 'a response is taken for a query',
    changes: [{ file: query, find: '(flags & flag.response) !== 0', replace: 'false' }],
    kills: ['DNSP-HDR-008'],
  },
  {
    id: 'dnsp-long-negative',
    title: 'that something is not there is remembered for an hour',
    changes: [
      {
        file: zone,
        find: 'const ttlSeconds = this.#settings.negativeTtlSeconds;',
        replace: 'const ttlSeconds = 3600;',
      },
      {
        file: zone,
        find: 'minimumSeconds: this.#settings.negativeTtlSeconds',
        replace: 'minimumSeconds: 3600',
      },
    ],
    kills: ['DNSP-NEG-003'],
  },
  {
    id: 'dnsp-servfail-for-missing',
    title: 'names that do not exist get SERVFAIL',
    changes: [
      {
        file: zone,
        find: 'this.#negative(responseCode.NXDOMAIN)',
        replace: 'this.#negative(responseCode.SERVFAIL)',
      },
    ],
    kills: ['DNSP-NEG-001', 'DNSP-NEG-005', 'DNSP-TYPE-001', 'DNSP-RES-001', 'EDGE-CLI-008'],
  },
  {
    id: 'dnsp-no-opt',
    title: 'replies never have OPT',
    changes: [
      { file: reply, find: 'edns === undefined ? 0 : optBytes', replace: '0' },
      { file: reply, find: 'appendOpt(out, length, edns, 0);', replace: '{}' },
    ],
    kills: ['DNSP-EDNS-001', 'DNSP-EDNS-004'],
  },
  {
    id: 'dnsp-any-edns-version',
    title: 'EDNS of any version is answered',
    changes: [{ file: responder, find: 'edns.version > 0', replace: 'edns.version > 255' }],
    kills: ['DNSP-EDNS-002'],
  },
  {
    id: 'dnsp-no-unknown-options',
    title: 'EDNS options are malformed',
    changes: [
      {
        file: query,
        find: 'found !== undefined || i < before',
        replace: 'word(message, at + 8) > 0 || found !== undefined || i < before',
      },
    ],
    kills: ['DNSP-EDNS-003'],
  },
  {
    id: 'dnsp-do-not-copied',
    title: 'DO is not copied, the Z bits are set',
    changes: [{ file: reply, find: 'edns.dnssecOk ? 0x8000 : 0', replace: '0x7fff' }],
    kills: ['DNSP-EDNS-004'],
  },
  {
    id: 'dnsp-tiny-payload',
    title: 'payload sizes below 512 are taken at their word',
    changes: [
      {
        file: query,
        find: 'Math.max(plainUdpBytes, word(message, at + 2))',
        replace: 'word(message, at + 2)',
      },
    ],
    kills: ['DNSP-EDNS-005'],
  },
  {
    id: 'dnsp-two-opts',
    title: 'of two OPT records the last counts',
    changes: [{ file: query, find: 'found !== undefined || ', replace: '' }],
    kills: ['DNSP-EDNS-006'],
  },
  {
    id: 'dnsp-never-truncated',
    title: 'datagrams are as large as the answer',
    changes: [
      {
        file: reply,
        find: 'edns === undefined ? plainUdpBytes : Math.min(edns.sizeBytes, ednsUdpBytes)',
        replace: 'maxTcpBytes',
      },
    ],
    kills: ['DNSP-TC-001', 'DNSP-TC-002', 'DNSP-TC-003'],
  },
  {
    id: 'dnsp-tcp-other-answer',
    title: 'over TCP everything is refused',
    changes: [
      {
        file: tcp,
        find: 'send(connection, reply);',
        replace: 'reply[3] |= 5; reply[7] = 0; send(connection, reply.subarray(0, 32));',
      },
    ],
    kills: ['DNSP-TCP-001'],
  },
  {
    id: 'dnsp-tcp-one-segment',
    title: 'over TCP a query has to come in one segment',
    changes: [
      {
        file: tcp,
        find: 'connection.received.length === 0 ? chunk : Buffer.concat([connection.received, chunk])',
        replace: 'chunk',
      },
    ],
    kills: ['DNSP-TCP-002'],
  },
  {
    id: 'dnsp-tcp-one-query',
    title: 'over TCP one query is answered, then the connection is closed',
    changes: [
      {
        file: tcp,
        find: 'received = received.subarray(end);',
        replace: 'received = Buffer.alloc(0); socket.end();',
      },
    ],
    kills: ['DNSP-TCP-003', 'DNSP-TCP-004'],
  },
  {
    id: 'dnsp-tcp-few-clients',
    title: 'more than 100 TCP clients are not taken',
    changes: [
      {
        file: tcp,
        find: 'if (closing || ',
        replace: 'if (connections.size > 100 || closing || ',
      },
    ],
    kills: ['DNSP-TCP-005'],
  },
  {
    id: 'dnsp-tcp-fin-aborts',
    title: 'a client that has shut its side down gets nothing any more',
    changes: [
      { file: tcp, find: 'connection.ended = true;', replace: 'socket.destroy();' },
      {
        file: tcp,
        find: 'const reply = init.responder.respond(message, true);',
        replace:
          'if (!connection.late) { connection.late = true; setTimeout(() => { if (!connection.socket.destroyed) answer(connection, message) }, 200); return; } const reply = init.responder.respond(message, true);',
      },
    ],
    kills: ['DNSP-TCP-006'],
  },
  {
    id: 'dnsp-unknown-type',
    title: 'types from 16 on that are not there get NOTIMP',
    changes: [
      {
        file: zone,
        find: 'if (data.length === 0)',
        replace:
          'if (data.length === 0 && type >= 15 && type !== recordType.AAAA) return this.#negative(4); if (data.length === 0)',
      },
    ],
    kills: ['DNSP-TYPE-001', 'DNSP-TYPE-002', 'DNSP-TYPE-004', 'DNSP-NEG-002'],
  },
  {
    id: 'dnsp-any-fails',
    title: 'ANY gets SERVFAIL',
    changes: [
      {
        file: zone,
        find: "return this.#positive(name, [{ type: 'HINFO', cpu: 'RFC8482', os: '' }]);",
        replace: 'return this.#negative(responseCode.SERVFAIL);',
      },
    ],
    kills: ['DNSP-TYPE-003'],
  },
  {
    id: 'dnsp-any-class',
    title: 'every class is IN',
    changes: [{ file: responder, find: 'query.class !== classIn || ', replace: '' }],
    kills: ['DNSP-CLS-001'],
  },
  {
    id: 'dnsp-opcode-formerr',
    title: 'opcodes that are not known are malformed',
    changes: [
      { file: query, find: 'code: responseCode.NOTIMP', replace: 'code: responseCode.FORMERR' },
    ],
    kills: ['DNSP-OPC-001'],
  },
  {
    id: 'dnsp-question-count',
    title: 'QDCOUNT is not looked at',
    changes: [
      {
        file: query,
        find: 'if (word(message, 4) !== 1)',
        replace: "if (word(message, 4) === 0) return { kind: 'bad', flags, code: 0 }; if (false)",
      },
    ],
    kills: ['DNSP-FMT-001', 'DNSP-FMT-002'],
  },
  {
    id: 'dnsp-hangs-on-pointer',
    title: 'a name that points to itself is followed for ever',
    changes: [
      {
        file: query,
        find: 'const nameEnd = skipPlainName(message, headerBytes);',
        replace:
          'while (message[12] === 0xc0 && message[13] === 12) {} const nameEnd = skipPlainName(message, headerBytes);',
      },
    ],
    kills: ['DNSP-FMT-003'],
  },
  {
    id: 'dnsp-crash-on-cut',
    title: 'a message that is cut ends the process',
    changes: [
      {
        file: query,
        find: 'if (nameEnd < 0 || questionEnd > message.length)',
        replace: 'if (nameEnd < 0) process.exit(1); if (questionEnd > message.length)',
      },
    ],
    kills: ['DNSP-FMT-004'],
  },
  {
    id: 'dnsp-trailing-bytes',
    title: 'queries with bytes after the end get no reply',
    changes: [
      {
        file: query,
        find: 'const edns = findEdns(message, questionEnd);',
        replace:
          'const edns = findEdns(message, questionEnd); if (edns === undefined && message.length > questionEnd) return undefined;',
      },
    ],
    kills: ['DNSP-FMT-005'],
  },
  {
    id: 'dnsp-long-ttl',
    title: 'records live for an hour, every other one a second longer',
    changes: [
      {
        file: zone,
        find: 'return { name, ttlSeconds: this.#settings.ttlSeconds, data };',
        replace:
          'this.turn = !this.turn; return { name, ttlSeconds: 3600 + (this.turn ? 1 : 0), data };',
      },
    ],
    kills: ['DNSP-TTL-001', 'DNSP-TTL-002'],
  },
  {
    id: 'dnsp-record-twice',
    title: 'the first record comes twice',
    changes: [
      {
        file: zone,
        find: 'const answers = data.map((one) => this.#record(name, one));',
        replace:
          'const answers = data.map((one) => this.#record(name, one)); if (answers.length > 1) answers.push(answers[0]);',
      },
    ],
    kills: ['DNSP-TTL-002'],
  },
  {
    id: 'dnsp-second-query-lost',
    title: 'of two queries from one socket in a row the second gets no reply',
    changes: [
      {
        file: udp,
        find: 'const answer = responder.respond(message, false);',
        replace:
          'const now = performance.now(); const soon = port === onMessage.port && now - onMessage.at < 3; onMessage.port = port; onMessage.at = now; if (soon) return; const answer = responder.respond(message, false);',
      },
    ],
    kills: ['DNSP-RES-002'],
  },
  {
    id: 'dnsp-lost-under-load',
    title: 'one reply in 300 goes to whoever asked before',
    changes: [
      {
        file: udp,
        find: 'const answer = responder.respond(message, false);',
        replace:
          'onMessage.n = (onMessage.n ?? 0) + 1; const former = onMessage.port ?? port; onMessage.port = port; if (onMessage.n % 300 === 0) port = former; const answer = responder.respond(message, false);',
      },
    ],
    kills: ['DNSP-CON-001'],
  },
  {
    id: 'dnsp-slow-under-load',
    title: 'every thousandth query stops the server for 300 ms',
    changes: [
      {
        file: udp,
        find: 'const answer = responder.respond(message, false);',
        replace:
          'onMessage.n = (onMessage.n ?? 0) + 1; if (onMessage.n % 1000 === 0) { const until = performance.now() + 300; while (performance.now() < until) {} } const answer = responder.respond(message, false);',
      },
    ],
    kills: ['DNSP-CON-002'],
  },
]
