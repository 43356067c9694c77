import type { Check } from '../../../harness/api.ts'
import { echoOf } from '../support/http-backend.ts'
import { describeAnswer, getRequest, requestBytes } from '../support/http1.ts'
import { valuesOf } from '../support/http1-message.ts'
import { httpCheck, type HttpScene } from './http-check.ts'

/** Requests that a repairing proxy would change: everything here is legal, and its meaning is the backend's affair. */
const oddRequests: readonly { readonly line: string; readonly host: string }[] = [
  { line: 'GET /a%2Fb%2f/../c/./d//e HTTP/1.1', host: 'web' },
  { line: 'GET /%E2%82%AC/%e2%82%ac?%zz=%20+&&=&a=b;c HTTP/1.1', host: 'UPPER.Example.ORG:8080' },
  { line: "PATCH /~!$&'()*+,;=:@-._ HTTP/1.1", host: '[2001:db8::1]:80' },
  { line: 'PROPFIND /dav?depth=1?x=y/../z HTTP/1.1', host: 'xn--bcher-kva.example' },
  { line: 'M-SEARCH /%2e%2e/%2E%2E/ HTTP/1.1', host: 'under_score.example' },
  { line: 'bReW /pot-0?milk=%00 HTTP/1.1', host: '192.0.2.1' },
  { line: 'DELETE /x?url=http://other.example/a?b HTTP/1.1', host: 'a.b.c.d.e.example.' },
]

/** What a request says reaches the backend unchanged. */
export const requests: readonly Check[] = [
  httpCheck({
    requirement: 'L7-TRN-001',
    sends: `${oddRequests.length} requests with odd methods, paths, queries, percent-encodings and Host`,
    expects: 'the request line and Host of each reach the backend byte for byte',
    judge: async ({ judgement, ask }) => {
      for (const { line, host } of oddRequests) {
        const answer = await ask(requestBytes([line, `Host: ${host}`, 'Content-Length: 0']))
        const echo = echoOf(answer)
        judgement.equal(line, line, echo?.requestLine ?? describeAnswer(answer))
        judgement.equal(`Host: ${host}`, [host], valuesOf(echo?.fields ?? [], 'host'))
      }
      return `${oddRequests.length} requests arrived byte for byte`
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-002',
    sends: 'a field three times with others between, and a request whose response sets two cookies',
    expects: 'the values arrive in their order; both Set-Cookie lines stay, in their order',
    judge: async ({ judgement, ask, word }) => {
      const sent = ['X-Many: one', 'X-Other: a', 'x-many: two, three', 'X-Other: b', 'X-Many: four']
      const echo = echoOf(await ask(getRequest(`/${word}`, ...sent)))
      // why: RFC 9110 section 5.3 lets a recipient join lines with commas, in their order
      const joined = (name: string): string => valuesOf(echo?.fields ?? [], name).join(', ')
      judgement.equal('X-Many', 'one, two, three, four', joined('x-many'))
      judgement.equal('X-Other', 'a, b', joined('x-other'))
      const answer = await ask(getRequest('/cookies'))
      const cookies =
        answer.kind === 'response'
          ? valuesOf(answer.fields, 'set-cookie').map((one) => one.split(';', 1)[0])
          : [describeAnswer(answer)]
      judgement.equal('Set-Cookie', ['first=1', 'second=2'], cookies)
      return `X-Many: ${joined('x-many')}; Set-Cookie: ${cookies.join(' | ')}`
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-011',
    sends: 'a GET whose target is in absolute form, and OPTIONS *',
    expects: 'both are answered by a backend, with the host of the target as Host, and * as *',
    judge: async ({ judgement, ask, word }) => {
      const path = `/${word}?a=b`
      const absolute = requestBytes([
        `GET http://web.example:80${path} HTTP/1.1`,
        'Host: web.example:80',
      ])
      const answer = await ask(absolute)
      const echo = echoOf(answer)
      const target = echo?.requestLine.split(' ')[1] ?? describeAnswer(answer)
      judgement.holds(
        'absolute form',
        `${path}, or the whole of it`,
        target,
        target === path || target === `http://web.example:80${path}`,
      )
      const hosts = valuesOf(echo?.fields ?? [], 'host')
      judgement.holds(
        'Host',
        'web.example, with or without :80',
        hosts.join(' | '),
        hosts.length === 1 && /^web\.example(:80)?$/.test(hosts[0] ?? ''),
      )
      const options = await ask(requestBytes(['OPTIONS * HTTP/1.1', 'Host: web.example']))
      const star = echoOf(options)?.requestLine ?? describeAnswer(options)
      judgement.equal('OPTIONS *', 'OPTIONS * HTTP/1.1', star)
      return `${target}; ${star}`
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-008',
    sends:
      'POSTs with Expect: 100-continue that hold their body back, one of them to a backend that refuses',
    expects: '100, then 200 once the body was sent; 417 and 401 without the body',
    judge: async (scene) => {
      const told = [await continued(scene)]
      for (const status of [417, 401]) {
        const connection = await scene.open()
        await connection.send(expectingHead(`/refuse-expect?status=${status}`))
        const answer = await connection.response('POST')
        const seen = answer.kind === 'response' ? answer.status : describeAnswer(answer)
        scene.judgement.equal(`final ${status} before the body`, status, seen)
        told.push(String(seen))
      }
      return told.join('; ')
    },
  }),
]

function expectingHead(path: string): string {
  return requestBytes([
    `POST ${path} HTTP/1.1`,
    'Host: web.example',
    'Content-Length: 5',
    'Expect: 100-continue',
  ])
}

async function continued({ judgement, open, word }: HttpScene): Promise<string> {
  const connection = await open()
  await connection.send(expectingHead(`/${word}`))
  await connection.until('\r\n\r\n')
  const before = connection.held.toString('latin1').split('\r\n', 1)[0] ?? ''
  judgement.holds('before the body', 'HTTP/1.1 100', before, before.startsWith('HTTP/1.1 100'))
  await connection.send('hello')
  const answer = await connection.response('POST')
  judgement.equal('bytes of the body', 5, echoOf(answer)?.bodyBytes ?? describeAnswer(answer))
  return `${before}, then ${describeAnswer(answer)}`
}
