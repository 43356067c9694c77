import { createHash } from 'node:crypto'
import { type Check, patternBytes } from '../../../harness/api.ts'
import { echoOf } from '../support/http-backend.ts'
import { type Answer, describeAnswer, getRequest, requestBytes } from '../support/http1.ts'
import { type Http1Response, valuesOf } from '../support/http1-message.ts'
import { httpCheck, type HttpScene } from './http-check.ts'

const bodyBytes = 60_000

/** Streams of events that are asked for; the quickest counts, because a proxy that buffers is slow each time. */
const eventStreams = 3

/** Between two events: a proxy that waits for more than one is that late. */
const eventGapMs = 2_000

/** Bodies arrive whole, in time, and end where they end. */
export const bodies: readonly Check[] = [
  httpCheck({
    requirement: 'L7-TRN-005',
    sends: `a POST and a GET whose bodies of ${bodyBytes} bytes come in chunks of random sizes`,
    expects: 'what arrives has the same length and SHA-256 on either side',
    judge: async ({ context, judgement, ask, word }) => {
      const body = Buffer.from(patternBytes(0, bodyBytes))
      const wanted = { bytes: bodyBytes, sha256: sha256(body) }
      const head = requestBytes([
        `POST /${word} HTTP/1.1`,
        'Host: web.example',
        'Transfer-Encoding: chunked',
      ])
      const sizes = randomSizes(context.seed)
      const answer = await ask(Buffer.concat([Buffer.from(head), chunked(body, sizes)]))
      const echo = echoOf(answer)
      judgement.equal(
        'the request body',
        wanted,
        echo === undefined
          ? describeAnswer(answer)
          : { bytes: echo.bodyBytes, sha256: echo.bodySha256 },
      )
      const response = await ask(getRequest(`/chunked/${bodyBytes}?sizes=${sizes.join(',')}`))
      judgement.equal('the response body', wanted, digestOf(response))
      return `${bodyBytes} bytes in chunks of ${sizes.slice(0, 5).join(', ')} ... bytes, both ways`
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-006',
    sends: `${eventStreams} requests for server-sent events, ${eventGapMs} ms apart, of which the first is at once`,
    expects:
      'the first event arrives soon after the request was sent; the quickest of the streams counts',
    judge: async ({ context, judgement, open }) => {
      const took: number[] = []
      for (let turn = 0; turn < eventStreams; turn += 1) {
        const connection = await open()
        const startedAt = performance.now()
        await connection.send(getRequest(`/sse/2/${eventGapMs}`))
        const played = await connection.until('\n\n', eventGapMs)
        if (played?.complete === true) took.push(performance.now() - startedAt)
        await connection[Symbol.asyncDispose]()
      }
      const quickest = Math.min(...took)
      judgement.atMost('the first event', context.threshold('firstEventMs'), quickest)
      return `the first event after ${took.map((ms) => Math.round(ms)).join(', ')} ms`
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-007',
    sends: 'a GET with TE: trailers whose response has two, and a chunked POST with one',
    expects: 'trailers arrive as trailers or not at all, never among the header fields',
    judge: async ({ judgement, ask, word }) => {
      const answer = await ask(getRequest('/trailers', 'TE: trailers', 'Connection: TE'))
      if (answer.kind !== 'response') return noAnswer(judgement, answer)
      const { fields, trailers, body } = answer
      judgement.equal('the response body', 'body\n', body.toString())
      judgement.equal('X-Checksum in the header', [], valuesOf(fields, 'x-checksum'))
      const came = trailers.map(([name, value]) => `${name.toLowerCase()}: ${value}`)
      judgement.holds(
        'trailers of the response',
        'both or none',
        came.join(', '),
        ['', 'x-checksum: 4711, x-last: yes'].includes(came.join(', ')),
      )
      const echo = echoOf(
        await ask(
          requestBytes(
            [
              `POST /${word} HTTP/1.1`,
              'Host: web.example',
              'Transfer-Encoding: chunked',
              'Trailer: X-Late',
            ],
            '4\r\nbody\r\n0\r\nX-Late: 1\r\n\r\n',
          ),
        ),
      )
      judgement.equal('X-Late in the header', [], valuesOf(echo?.fields ?? [], 'x-late'))
      const late = echo?.trailers.map((line) => line.toLowerCase().replace(/\s/g, '')).join(', ')
      judgement.holds(
        'trailers of the request',
        'X-Late: 1 or none',
        late ?? 'no answer',
        late === '' || late === 'x-late:1',
      )
      return `response: ${came.join(', ') || 'dropped'}; request: ${late === '' ? 'dropped' : String(late)}`
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-010',
    sends: 'GETs of HTTP/1.0 for a body that comes chunked, with a length, and until the end',
    expects:
      'no Transfer-Encoding in the response, and a whole body, told by its length or by closing',
    judge: async (scene) => {
      const { judgement, open } = scene
      const told: string[] = []
      for (const path of ['/chunked/5000?sizes=100', '/bytes/5000', '/until-close/5000']) {
        const connection = await open()
        const answer = await connection.exchange(
          requestBytes([`GET ${path} HTTP/1.0`, 'Host: web.example']),
        )
        const wanted = { bytes: 5000, sha256: sha256(patternBytes(0, 5000)) }
        judgement.equal(path, wanted, digestOf(answer))
        const codings =
          answer.kind === 'response' ? valuesOf(answer.fields, 'transfer-encoding') : []
        judgement.equal(`Transfer-Encoding of ${path}`, [], codings)
        told.push(
          `${path}: ${answer.kind === 'response' ? answer.framing : describeAnswer(answer)}`,
        )
      }
      return told.join('; ')
    },
  }),
]

function noAnswer(judgement: HttpScene['judgement'], answer: Answer): string {
  judgement.holds('the answer', 'a response', describeAnswer(answer), false)
  return describeAnswer(answer)
}

function digestOf(answer: Answer): object | string {
  return answer.kind === 'response' ? digest(answer) : describeAnswer(answer)
}

function digest({ body }: Http1Response): { readonly bytes: number; readonly sha256: string } {
  return { bytes: body.length, sha256: sha256(body) }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** 40 sizes from 1 to 4000, small ones more often; equal for equal seeds (mulberry32). */
function randomSizes(seed: number): readonly number[] {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return Array.from({ length: 40 }, () => Math.ceil(next() ** 3 * 4000))
}

function chunked(body: Buffer, sizes: readonly number[]): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < body.length; turn += 1) {
    const piece = body.subarray(at, at + (sizes[turn % sizes.length] ?? 1))
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
    at += piece.length
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])
}
