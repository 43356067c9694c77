import type { Check } from '../../../harness/api.ts'
import { echoOf } from '../support/http-backend.ts'
import { describeAnswer, getRequest } from '../support/http1.ts'
import { valuesOf } from '../support/http1-message.ts'
import { httpCheck } from './http-check.ts'

/** How much is taken, and how too much is told. */
export const limits: readonly Check[] = [
  httpCheck({
    requirement: 'L7-LIM-001',
    sends: 'GETs with targets of 8000 and 65 536 octets',
    expects: 'the first reaches the backend as it is; the second does, or is answered with 414',
    judge: async ({ judgement, ask, word }) => {
      const target = (octets: number): string => `/${word}/`.padEnd(octets, 'x')
      const answer = await ask(getRequest(target(8000)))
      const seen = echoOf(answer)?.requestLine.split(' ')[1]
      judgement.holds(
        '8000 octets',
        'reach the backend',
        seen === undefined ? describeAnswer(answer) : `${seen.length} octets`,
        seen === target(8000),
      )
      const long = await ask(getRequest(target(65_536)))
      const longSeen = echoOf(long)?.requestLine.split(' ')[1]
      judgement.holds(
        '65 536 octets',
        '414, or they reach the backend',
        longSeen === undefined ? describeAnswer(long) : `${longSeen.length} octets`,
        (longSeen !== undefined && isKept(target(65_536), longSeen)) ||
          (long.kind === 'response' && long.status === 414),
      )
      return `8000: 200; 65 536: ${describeAnswer(long)}`
    },
  }),
  httpCheck({
    requirement: 'L7-LIM-002',
    sends: 'GETs with fields of 8 KiB and 256 KiB, then a plain one',
    expects:
      'the first passes; the second does, or 431, or the connection is closed; the third passes',
    judge: async ({ judgement, ask, word }) => {
      const fieldsOf = (kibibytes: number): readonly string[] =>
        Array.from({ length: kibibytes }, (_, at) => `X-Long-${at}: `.padEnd(1022, 'x'))
      const sent = fieldsOf(8)
      const answer = await ask(getRequest(`/${word}`, ...sent))
      const echo = echoOf(answer)
      const missing = sent.filter((line) => {
        const [name = '', value] = line.split(': ')
        return valuesOf(echo?.fields ?? [], name.toLowerCase())[0] !== value
      })
      judgement.equal('of 8 KiB', 200, echo === undefined ? describeAnswer(answer) : 200)
      judgement.equal(
        'fields that did not arrive',
        [],
        missing.map((line) => line.slice(0, 10)),
      )
      const big = await ask(getRequest(`/${word}`, ...fieldsOf(256)))
      const isTold =
        big.kind === 'response'
          ? big.status === 431 || big.status === 200
          : big.why === 'closed' || big.why === 'reset'
      judgement.holds('256 KiB', '431, a closed connection, or 200', describeAnswer(big), isTold)
      const after = await ask(getRequest(`/${word}/after`))
      judgement.holds('after it', '200', describeAnswer(after), echoOf(after) !== undefined)
      return `8 KiB: 200; 256 KiB: ${describeAnswer(big)}`
    },
  }),
]

/** A backend keeps the first 64 KiB of a head: of such a target all but what no longer fits. */
function isKept(target: string, seen: string): boolean {
  return target.startsWith(seen) && seen.length > 65_000
}
