import type { Mutant } from '../../../model/mutant.ts'

const framing = 'wire/http1-framing.js'
const fieldLines = 'wire/http1-fields.js'
const requestHead = 'wire/http1-request.js'
const forwarded = 'proxy/l7/request-head.js'
const returned = 'proxy/l7/response-head.js'
const downstream = 'proxy/l7/downstream.js'
const upstream = 'proxy/l7/upstream.js'
const attempts = 'proxy/l7/attempts.js'

/** Faults of the HTTP path: a parser that is too lenient, a proxy that changes, loses, repeats or mixes up messages. */
export const l7Mutants: readonly Mutant[] = [
  {
    id: 'l7-everything-is-http',
    title: 'every TCP port is handled as HTTP',
    changes: [
      {
        file: 'proxy/balance/protocol.js',
        find: "return name === 'http' || name.startsWith('http-')",
        replace: 'return true',
      },
    ],
    kills: ['L7-SEL-001', 'L7-SEL-005', 'L7-TRN-017', 'L4-STR-007'],
  },
  {
    id: 'l7-app-protocol-ignored',
    title: 'appProtocol does not count',
    changes: [
      {
        file: 'proxy/balance/protocol.js',
        find: "port.appProtocol !== undefined && port.appProtocol !== ''",
        replace: 'false',
      },
    ],
    kills: ['L7-SEL-002'],
  },
  {
    id: 'l7-h2-refused',
    title: 'HTTP/2 with prior knowledge is not understood',
    changes: [
      {
        file: 'proxy/balance/protocol.js',
        find: "'kubernetes.io/ws'])",
        replace: "'kubernetes.io/ws', 'kubernetes.io/h2c'])",
      },
      { file: requestHead, find: 'if (i === 5 && isPrefix', replace: 'if (false && isPrefix' },
    ],
    kills: ['L7-SEL-003', 'L7-TRN-014'],
  },
  {
    id: 'l7-lower-case-host',
    title: 'fields are forwarded in lower case',
    changes: [
      {
        file: forwarded,
        find: 'bytes.copy(out, 0, head.start, head.end - 2)',
        replace:
          "out.write(bytes.toString('latin1', head.start, head.end - 2).toLowerCase(), 0, 'latin1')",
      },
    ],
    kills: ['L7-TRN-001'],
  },
  {
    id: 'l7-field-order',
    title: 'field lines are forwarded in reverse order',
    changes: [
      {
        file: forwarded,
        find: 'bytes.copy(out, 0, head.start, head.end - 2)',
        replace:
          "out.write([bytes.toString('latin1', head.start, head.fieldsStart), ...bytes.toString('latin1', head.fieldsStart, head.end - 2).split(/(?<=\\r\\n)/).reverse()].join(''), 0, 'latin1')",
      },
    ],
    kills: ['L7-TRN-002'],
  },
  {
    id: 'l7-one-request-per-connection',
    title: 'a connection is closed after its first answer, without saying so',
    changes: [
      {
        file: downstream,
        find: 'if (this.#closeAfter || this.#clientEnded',
        replace: 'if (true || this.#clientEnded',
      },
    ],
    kills: ['L7-TRN-003', 'L7-TRN-004', 'L7-TRN-009'],
  },
  {
    id: 'l7-chunk-lost',
    title: 'request bodies in chunks are cut short',
    changes: [
      {
        file: 'proxy/l7/outgoing-request.js',
        find: 'this.#body = inlined ? undefined',
        replace:
          'if (!inlined) bytes[head.end + 600] ^= 1;\n        this.#body = inlined ? undefined',
      },
    ],
    kills: ['L7-TRN-005'],
  },
  {
    id: 'l7-buffered-response',
    title: 'pieces of a response wait for half a second',
    changes: [
      {
        file: 'proxy/l7/client-writer.js',
        find: 'this.#socket.write(start === 0 && to === bytes.length ? bytes : bytes.subarray(start, to))',
        replace:
          'const copy = Buffer.from(bytes.subarray(start, to)); setTimeout(() => this.#socket.write(copy), 500)',
      },
    ],
    kills: ['L7-TRN-006'],
  },
  {
    id: 'l7-no-interim',
    title: 'interim responses are not forwarded, and 101 is not understood',
    changes: [
      {
        file: downstream,
        find: 'if (head.status === 101 || !this.unpacksChunks)',
        replace: 'if (false)',
      },
    ],
    kills: ['L7-TRN-008', 'L7-TRN-012', 'L7-TRN-013', 'L7-SEL-004'],
  },
  {
    id: 'l7-head-has-body',
    title: 'waits for the body of an answer to HEAD, and of 204 and 304',
    changes: [
      {
        file: upstream,
        find: 'if (user.expectsNoBody || status === 204 || status === 304)',
        replace: 'if (false)',
      },
    ],
    kills: ['L7-TRN-009'],
  },
  {
    id: 'l7-chunks-to-http10',
    title: 'clients of HTTP/1.0 get chunks',
    changes: [
      {
        file: downstream,
        find: 'this.unpacksChunks = head.minorVersion === 0',
        replace: 'this.unpacksChunks = false',
      },
    ],
    kills: ['L7-TRN-010'],
  },
  {
    id: 'l7-short-targets',
    title: 'request targets of over 4096 octets end the connection',
    changes: [{ file: requestHead, find: 'targetBytes: 32_768', replace: 'targetBytes: 4096' }],
    kills: ['L7-LIM-001'],
  },
  {
    id: 'l7-both-lengths',
    title: 'Content-Length beside Transfer-Encoding is forwarded',
    changes: [
      {
        file: framing,
        find: 'this.fault = framingFault.bothLengthAndCoding',
        replace: 'this.fault = framingFault.none',
      },
    ],
    kills: ['L7-SMG-001'],
  },
  {
    id: 'l7-last-length',
    title: 'of two Content-Length the last counts',
    changes: [
      {
        file: framing,
        find: 'this.fault = framingFault.contentLengthRepeated',
        replace: 'this.fault = framingFault.none',
      },
    ],
    kills: ['L7-SMG-002'],
  },
  {
    id: 'l7-blank-before-colon',
    title: 'white space before the colon is allowed',
    changes: [
      {
        file: fieldLines,
        find: 'if (byte !== COLON || position === nameStart)',
        replace:
          'while (byte === SP || byte === HT) byte = bytes[++position];\n            if (byte !== COLON || position === nameStart)',
      },
    ],
    kills: ['L7-SMG-003'],
  },
  {
    id: 'l7-any-coding',
    title: 'any Transfer-Encoding is taken for chunked',
    changes: [
      {
        file: framing,
        find: 'this.fault = framingFault.codingUnknown',
        replace: 'this.fault = framingFault.none',
      },
    ],
    kills: ['L7-SMG-004'],
  },
  {
    id: 'l7-any-chunk-size',
    title: 'chunk sizes of any length are forwarded',
    changes: [
      {
        file: 'wire/http1-body.js',
        find: 'if (this.#digits > maxSizeDigits)',
        replace: 'if (false)',
      },
    ],
    kills: ['L7-SMG-005'],
  },
  {
    id: 'l7-folds',
    title: 'folded lines are forwarded',
    changes: [
      {
        file: fieldLines,
        find: 'let valueEnd = position;',
        replace:
          'while (bytes[position + 2] === SP) { position += 3; while (((byteClass[bytes[position]] ?? 0) & valueByte) !== 0) position += 1; }\n            let valueEnd = position;',
      },
    ],
    kills: ['L7-SMG-006'],
  },
  {
    id: 'l7-controls',
    title: 'NUL in a field is forwarded',
    changes: [
      {
        file: 'wire/http1-bytes.js',
        find: 'byte === HT || (byte >= SP && byte !== 127)',
        replace: 'byte !== CR && byte !== LF',
      },
    ],
    kills: ['L7-SMG-007'],
  },
  {
    id: 'l7-two-hosts',
    title: 'of two Host fields the last counts',
    changes: [{ file: requestHead, find: 'if (this.hostLine !== -1)', replace: 'if (false)' }],
    kills: ['L7-SMG-008'],
  },
  {
    id: 'l7-coding-in-http10',
    title: 'Transfer-Encoding in HTTP/1.0 is believed, and the connection goes on',
    changes: [
      {
        file: requestHead,
        find: 'if (framing.chunked && this.minorVersion === 0)',
        replace: 'if (false)',
      },
      {
        file: downstream,
        find: 'this.#isLast = head.minorVersion === 0 || framing.close',
        replace: 'this.#isLast = framing.close',
      },
    ],
    kills: ['L7-SMG-009', 'L7-SMG-010'],
  },
  {
    id: 'l7-errors-are-200',
    title: 'answers of the proxy itself have the status 200',
    changes: [
      {
        file: 'proxy/l7/error-response.js',
        find: '`HTTP/1.1 ${status} ${reasons[status]}`',
        replace: '`HTTP/1.1 200 OK`',
      },
    ],
    kills: ['L7-SEL-001', 'L7-SEL-002', 'L7-ERR-001', 'L7-ERR-002', 'L7-ERR-005', 'L7-SMG-002'],
  },
  {
    id: 'l7-clean-cut',
    title: 'a body that breaks off ends like a whole one',
    changes: [
      {
        file: downstream,
        find: 'this.#route.counters.cut += 1;',
        replace:
          "this.#socket.write('0\\r\\n\\r\\n');\n            return this.#closeGracefully();",
      },
    ],
    kills: ['L7-ERR-004'],
  },
  {
    id: 'l7-replays',
    title: 'every request may be sent again',
    changes: [
      {
        file: attempts,
        find: 'this.isReplayable = isReplayable',
        replace: 'this.isReplayable = true',
      },
    ],
    kills: ['L7-RTY-001'],
  },
  {
    id: 'l7-no-retry',
    title: 'an endpoint that refuses is not replaced by another',
    changes: [{ file: 'proxy/l7/settings.js', find: 'maxAttempts: 3', replace: 'maxAttempts: 1' }],
    kills: ['L7-RTY-002'],
  },
  {
    id: 'l7-hop-by-hop',
    title: 'fields that Connection names are forwarded',
    changes: [
      {
        file: framing,
        find: "else if (option !== 'te' && option !== '')",
        replace: 'else if (false)',
      },
    ],
    kills: ['L7-HDR-003'],
  },
  {
    id: 'l7-hop-by-hop-response',
    title: 'hop-by-hop fields of responses are forwarded',
    changes: [
      {
        file: returned,
        find: 'if ((fields.kinds & removed) === 0 && nominated.length === 0)',
        replace: 'if (true)',
      },
    ],
    kills: ['L7-HDR-003'],
  },
  {
    id: 'l7-no-via',
    title: 'requests go on without Via and without X-Forwarded-For',
    changes: [
      {
        file: forwarded,
        find: 'lastLines: Buffer.from(forwardedLine + viaLines[1])',
        replace: "lastLines: Buffer.from('\\r\\n')",
      },
      {
        file: forwarded,
        find: 'at += mark.address.copy(out, at)',
        replace: 'at += 0',
      },
    ],
    kills: ['L7-HDR-001', 'L7-HDR-004'],
  },
  {
    id: 'l7-cut-at-shutdown',
    title: 'requests under way are cut when the agent shuts down',
    changes: [
      {
        file: 'proxy/l7/http-proxy.js',
        find: 'await Promise.race([closed, aborted])',
        replace: 'await Promise.resolve()',
      },
    ],
    kills: ['L7-DRN-001'],
  },
]
