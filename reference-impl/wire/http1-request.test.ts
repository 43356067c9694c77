import fc from 'fast-check'
import t from 'tap'
import { incomplete, malformed } from './http1-fields.ts'
import { defaultHeadLimits, RequestHead } from './http1-request.ts'

const head = new RequestHead()

/** What the parser makes of a whole input: `ok`, `more`, or the status it answers. */
function verdict(text: string | Buffer): string {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  const end = head.parse(bytes, 0, bytes.length)
  if (end === malformed) return String(head.refusal?.status)
  return end === incomplete ? 'more' : 'ok'
}

const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const post = (fields: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`

/** Requests that proxies and servers are known to understand differently (RFC 9112 §11.2). */
const smuggling: readonly (readonly [name: string, request: string, status: string])[] = [
  [
    'Content-Length and Transfer-Encoding',
    post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n'),
    '400',
  ],
  [
    'Transfer-Encoding and Content-Length',
    post('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n'),
    '400',
  ],
  ['two differing Content-Lengths', post('Content-Length: 3\r\nContent-Length: 4\r\n'), '400'],
  ['two equal Content-Lengths', post('Content-Length: 3\r\nContent-Length: 3\r\n'), '400'],
  ['a list of Content-Lengths', post('Content-Length: 3, 3\r\n'), '400'],
  ['a signed Content-Length', post('Content-Length: +3\r\n'), '400'],
  ['a negative Content-Length', post('Content-Length: -3\r\n'), '400'],
  ['a hexadecimal Content-Length', post('Content-Length: 0x3\r\n'), '400'],
  ['an empty Content-Length', post('Content-Length:\r\n'), '400'],
  ['a Content-Length with a space in it', post('Content-Length: 3 3\r\n'), '400'],
  ['an overflowing Content-Length', post('Content-Length: 18446744073709551619\r\n'), '400'],
  ['a space before the colon', post('Content-Length : 3\r\n'), '400'],
  ['a tab before the colon', post('Transfer-Encoding\t: chunked\r\n'), '400'],
  ['xchunked', post('Transfer-Encoding: xchunked\r\n'), '501'],
  ['chunked, identity', post('Transfer-Encoding: chunked, identity\r\n'), '501'],
  ['identity, chunked', post('Transfer-Encoding: identity, chunked\r\n'), '501'],
  ['chunked twice in one line', post('Transfer-Encoding: chunked, chunked\r\n'), '501'],
  [
    'chunked twice in two lines',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'),
    '501',
  ],
  ['chunked in quotes', post('Transfer-Encoding: "chunked"\r\n'), '501'],
  ['a vertical tab before chunked', post('Transfer-Encoding: \x0bchunked\r\n'), '400'],
  ['identity', post('Transfer-Encoding: identity\r\n'), '501'],
  ['an empty Transfer-Encoding', post('Transfer-Encoding:\r\n'), '501'],
  [
    'xchunked beside a Content-Length',
    post('Content-Length: 3\r\nTransfer-Encoding: xchunked\r\n'),
    '400',
  ],
  ['a folded line', post('X-A: 1\r\n Transfer-Encoding: chunked\r\n'), '400'],
  ['a folded line with a tab', post('Transfer-Encoding:\r\n\tchunked\r\n'), '400'],
  ['white space before the first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', '400'],
  ['NUL in a value', get('X-A: a\0b\r\n'), '400'],
  ['a bare CR in a value', get('X-A: a\rb\r\n'), '400'],
  ['a bare LF after a value', get('X-A: a\nTransfer-Encoding: chunked\r\n'), '400'],
  ['bare LF line ends', 'GET / HTTP/1.1\nHost: a\n\n', '400'],
  ['a bare LF as the end of the section', 'GET / HTTP/1.1\r\nHost: a\r\n\n', '400'],
  ['DEL in a value', get('X-A: a\x7fb\r\n'), '400'],
  ['an empty field name', get(': a\r\n'), '400'],
  ['a field line without a colon', get('nonsense\r\n'), '400'],
  ['NUL in a field name', get('X\0: a\r\n'), '400'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', '400'],
  ['two Hosts', get('Host: b\r\n'), '400'],
  ['two equal Hosts', get('Host: a\r\n'), '400'],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', '400'],
  ['a Host with user information', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', '400'],
  [
    'Transfer-Encoding in HTTP/1.0',
    'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    '400',
  ],
  ['two spaces after the method', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
  ['a tab after the method', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
  ['a space in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
  ['a control character in the target', 'GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
  ['white space after the version', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', '400'],
  ['HTTP/0.9', 'GET /\r\n\r\n', '400'],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', '505'],
  ['HTTP/2.0 in a request line', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', '505'],
  ['a lower-case version', 'GET / http/1.1\r\nHost: a\r\n\r\n', '400'],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', '405'],
  ['a target without a slash', 'GET a HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
  [
    'an absolute target with user information',
    'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n',
    '400',
  ],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', '400'],
  ['an SSH greeting', 'SSH-2.0-OpenSSH_9.2\r\n', '400'],
  ['zeros', '\0\0\0\0', '400'],
]

t.test('what could be understood in two ways is refused', async (t) => {
  for (const [name, request, status] of smuggling) t.equal(verdict(request), status, name)
})

t.test('requests that mean one thing are taken', async (t) => {
  for (const request of [
    get(''),
    get('X-Empty:\r\n'),
    get('X-Tab:\ta\t\r\n'),
    get('X-Latin: \xe4\xf6\r\n'),
    post('Content-Length: 0\r\n'),
    post('content-length: 12\r\n'),
    post('TRANSFER-ENCODING: Chunked\r\n'),
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost:\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n',
    '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /%2e%2E/%00//;a=b?x=%zz&# HTTP/1.1\r\nHost: a\r\n\r\n',
    'M-SEARCH /caf\xe9 HTTP/1.1\r\nHost: a\r\n\r\n',
  ]) {
    t.equal(verdict(request), 'ok', JSON.stringify(request))
  }
})

t.test('the HTTP/2 preface is told apart from garbage', async (t) => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  t.equal(verdict(preface), 'ok')
  t.equal(head.isHttp2, true)
  t.equal(verdict(preface.slice(0, 20)), 'more')
  t.equal(verdict('PRI * HTTP/2.0\r\nHost: a\r\n\r\n'), '505')
})

t.test('limits are answered with their own status', async (t) => {
  const { targetBytes, headBytes } = defaultHeadLimits
  const target = (length: number): string =>
    `GET /${'a'.repeat(length - 1)} HTTP/1.1\r\nHost: a\r\n\r\n`
  t.equal(verdict(target(8000)), 'ok')
  t.equal(verdict(target(targetBytes)), 'ok')
  t.equal(verdict(target(targetBytes + 1)), '414')
  t.equal(verdict(`GET /${'a'.repeat(targetBytes)}`), '414', 'before the end arrives')
  t.equal(verdict(get(`X-A: ${'a'.repeat(8192)}\r\n`)), 'ok')
  t.equal(verdict(get(`X-A: ${'a'.repeat(headBytes)}\r\n`)), '431')
  t.equal(
    verdict(`GET / HTTP/1.1\r\nX-A: ${'a'.repeat(headBytes)}`),
    '431',
    'before the end arrives',
  )
  t.equal(verdict(get('A: b\r\n'.repeat(199))), 'ok')
  t.equal(verdict(get('A: b\r\n'.repeat(200))), '431')
})

t.test(
  'a head is never taken before its last byte, nor refused while it may still turn out well',
  async (t) => {
    const whole = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX-A: b\r\n\r\n'
    for (let length = 0; length < whole.length; length += 1) {
      t.equal(verdict(whole.slice(0, length)), 'more', `first ${length} bytes`)
    }
    t.equal(verdict(whole), 'ok')
  },
)

const name = fc
  .stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/)
  .filter(
    (text) =>
      !['host', 'content-length', 'transfer-encoding', 'connection'].includes(text.toLowerCase()),
  )
const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/)

t.test('every field is found where it stands', async (t) => {
  const property = fc.property(fc.array(fc.tuple(name, value), { maxLength: 30 }), (fields) => {
    const bytes = Buffer.from(get(fields.map(([n, v]) => `${n}:  ${v} \r\n`).join('')), 'latin1')
    if (head.parse(bytes, 0, bytes.length) !== bytes.length) return false
    return fields.every(([n, v], i) => {
      const { nameStart, nameEnd, valueStart, valueEnd } = head.fields
      return (
        bytes.toString('latin1', nameStart[i + 1], nameEnd[i + 1]) === n &&
        bytes.toString('latin1', valueStart[i + 1], valueEnd[i + 1]) === v
      )
    })
  })
  t.doesNotThrow(() => fc.assert(property))
})

t.test('no input makes the parser throw or read past its end', async (t) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .array(
        fc.constantFrom(
          'GET',
          ' ',
          '/',
          'HTTP/1.1',
          '\r\n',
          ':',
          'Host',
          'a',
          '\n',
          '\r',
          '\0',
          'Content-Length',
          '3',
          'PRI * HTTP/2.0',
        ),
        { maxLength: 40 },
      )
      .map((parts) => Buffer.from(parts.join(''))),
  )
  const property = fc.property(bytes, (input) => {
    const end = head.parse(Buffer.from(input), 0, input.length)
    return (
      end >= malformed && end <= input.length && (end !== malformed || head.refusal !== undefined)
    )
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 3000 }))
})
