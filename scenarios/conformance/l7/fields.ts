import type { Check } from '../../../harness/api.ts'
import { echoOf } from '../support/http-backend.ts'
import { describeAnswer, getRequest } from '../support/http1.ts'
import { listOf, valuesOf } from '../support/http1-message.ts'
import { httpCheck } from './http-check.ts'

/** Fields that a proxy adds and takes away. */
export const fields: readonly Check[] = [
  httpCheck({
    requirement: 'L7-HDR-001',
    sends: 'a GET with X-Forwarded-For: 203.0.113.7',
    expects: "the client's address is appended, and 203.0.113.7 stays to its left",
    judge: async ({ judgement, open, word }) => {
      const connection = await open()
      const answer = await connection.exchange(
        getRequest(`/${word}`, 'X-Forwarded-For: 203.0.113.7'),
      )
      const seen = listOf(echoOf(answer)?.fields ?? [], 'x-forwarded-for')
      judgement.equal('X-Forwarded-For', ['203.0.113.7', connection.localAddress], seen)
      return `X-Forwarded-For: ${seen.join(', ')}`
    },
  }),
  httpCheck({
    requirement: 'L7-HDR-003',
    sends:
      'a GET with hop-by-hop fields and one that Connection names, and one whose response has them',
    expects: 'none of them is forwarded; a field that is not named is',
    judge: async ({ judgement, ask, word }) => {
      const echo = echoOf(
        await ask(
          getRequest(
            `/${word}`,
            'Connection: keep-alive, X-Nominated',
            'X-Nominated: 1',
            'Keep-Alive: timeout=17',
            'Proxy-Connection: keep-alive',
            'X-End-To-End: 1',
          ),
        ),
      )
      const answer = await ask(getRequest('/hop-by-hop'))
      const sides = [
        ['request', echo?.fields ?? [], '1'],
        ['response', answer.kind === 'response' ? answer.fields : [], 'must be forwarded'],
      ] as const
      for (const [side, seen, value] of sides) {
        judgement.equal(`X-End-To-End of the ${side}`, [value], valuesOf(seen, 'x-end-to-end'))
        for (const name of ['X-Nominated', 'Proxy-Connection'])
          judgement.equal(`${name} of the ${side}`, [], valuesOf(seen, name.toLowerCase()))
        // why: a proxy may have a Keep-Alive of its own
        const foreign = valuesOf(seen, 'keep-alive').filter((one) => one.includes('17'))
        judgement.equal(`Keep-Alive of the ${side}`, [], foreign)
        const named = listOf(seen, 'connection').filter((one) => one === 'x-nominated')
        judgement.equal(`X-Nominated in Connection of the ${side}`, [], named)
      }
      return 'hop-by-hop fields ended at the proxy, both ways'
    },
  }),
  httpCheck({
    requirement: 'L7-HDR-004',
    sends: 'a GET, and one with a Via of another proxy',
    expects: 'the backend sees a Via with protocol and name; an earlier one stays to its left',
    judge: async ({ judgement, ask, word }) => {
      const entry = /^(HTTP\/)?1\.[01] \S+( \(.*\))?$/i
      const answer = await ask(getRequest(`/${word}`))
      const via = listOf(echoOf(answer)?.fields ?? [], 'via')
      const told = via.join(', ')
      const isVia = via.length === 1 && entry.test(via[0] ?? '')
      judgement.holds('Via', '1.1 <name>', told || describeAnswer(answer), isVia)
      const next = await ask(getRequest(`/${word}`, 'Via: 1.0 before'))
      const [first, second = ''] = listOf(echoOf(next)?.fields ?? [], 'via')
      judgement.equal('the Via before it', '1.0 before', first)
      judgement.holds('the Via after it', '1.1 <name>', second, entry.test(second))
      return `Via: ${told}`
    },
  }),
]
