import type { Check } from '../../../harness/api.ts'
import { echoOf } from '../support/http-backend.ts'
import { type Answer, describeAnswer, getRequest, requestBytes } from '../support/http1.ts'
import { httpCheck } from './http-check.ts'

const inTurn = 100

const pipelined = 5

/** Requests that share a connection: each gets its own answer. */
export const connections: readonly Check[] = [
  httpCheck({
    requirement: 'L7-TRN-003',
    sends: `${inTurn} requests one after the other on one connection`,
    expects: 'each is answered, with what it asked for',
    judge: async ({ judgement, open, word }) => {
      const connection = await open()
      const wrong: string[] = []
      for (let number = 0; number < inTurn; number += 1) {
        const path = `/${word}/${number}`
        const answer = await connection.exchange(getRequest(path))
        if (!isEchoOf(answer, path)) wrong.push(`${path}: ${whatCame(answer)}`)
        if (answer.kind === 'none') break
      }
      judgement.equal('wrong answers', [], wrong.slice(0, 5))
      return `${inTurn} right answers`
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-004',
    sends: `${pipelined} requests in one segment, the first of them slow`,
    expects: 'they are answered in their order',
    judge: async ({ judgement, open, word }) => {
      const connection = await open()
      const paths = Array.from({ length: pipelined - 1 }, (_, at) => `/${word}/${at}`)
      await connection.send(['/delay/150', ...paths].map((path) => getRequest(path)).join(''))
      const first = await connection.response()
      const body = first.kind === 'response' ? first.body.toString() : describeAnswer(first)
      judgement.equal('answer 1', 'after 150 ms\n', body)
      for (const [at, path] of paths.entries()) {
        const answer = await connection.response()
        judgement.equal(`answer ${at + 2}`, `GET ${path} HTTP/1.1`, whatCame(answer))
      }
      return `${pipelined} answers in order`
    },
  }),
  httpCheck({
    requirement: 'L7-TRN-009',
    sends:
      'HEAD of a body with a length and of a chunked one, GET of 204 and 304, each followed by a GET',
    expects: 'none has a body, and the GET after it gets its own answer',
    judge: async ({ judgement, open, word }) => {
      const bodiless: readonly (readonly [method: string, path: string, status: number])[] = [
        ['HEAD', '/bytes/1000', 200],
        ['HEAD', '/chunked/1000', 200],
        ['GET', '/status/204', 204],
        ['GET', '/head-only', 304],
      ]
      for (const [method, path, status] of bodiless) {
        const connection = await open()
        const asked = requestBytes([`${method} ${path} HTTP/1.1`, 'Host: web.example'])
        const answer = await connection.exchange(asked)
        judgement.equal(
          `${method} ${path}`,
          status,
          answer.kind === 'response' ? answer.status : describeAnswer(answer),
        )
        const next = await connection.exchange(getRequest(`/${word}${path}`))
        judgement.equal(`after ${method} ${path}`, `GET /${word}${path} HTTP/1.1`, whatCame(next))
      }
      return 'no bodies, and right answers after them'
    },
  }),
]

/** The request line that an echo tells, or what came instead. */
function whatCame(answer: Answer): string {
  return echoOf(answer)?.requestLine ?? describeAnswer(answer)
}

function isEchoOf(answer: Answer, path: string): boolean {
  return echoOf(answer)?.requestLine === `GET ${path} HTTP/1.1`
}
