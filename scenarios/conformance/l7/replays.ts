import type { Check } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { echoOf } from '../support/http-backend.ts'
import { arrivals } from '../support/http-backend.ts'
import { askHttp, describeAnswer, getRequest, postRequest } from '../support/http1.ts'
import { Judgement } from '../support/judgement.ts'
import { ports } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { serviceOf } from './failures.ts'
import { httpCheck } from './http-check.ts'
import { web } from './web.fixture.ts'

const posts = 500
const atOnce = 20

const gets = 30

/** What is sent a second time, and what must not be. */
export const replays: readonly Check[] = [
  httpCheck({
    requirement: 'L7-RTY-001',
    sends: `${posts} POSTs, half of them to a backend that resets after the head, half after the whole request`,
    expects: 'none is answered, and backends count each of them once',
    judge: async ({ context, judgement, ask, word }) => {
      const ids = Array.from({ length: posts }, (_, at) => `${word}x${at}x`)
      const answered: string[] = []
      const send = async (id: string, at: number): Promise<void> => {
        const path = at % 2 === 0 ? '/reset' : '/reset-early'
        const answer = await ask(postRequest(`${path}?id=${id}`, 'once'))
        if (answer.kind === 'response' && answer.status < 500) answered.push(describeAnswer(answer))
      }
      for (let from = 0; from < posts; from += atOnce)
        await Promise.all(ids.slice(from, from + atOnce).map((id, at) => send(id, from + at)))
      const counts = new Map<string, number>()
      for (const { requestLine } of await arrivals(
        context,
        context.fixture(web),
        word,
        posts + 100,
      )) {
        const id = /id=(\w+)/.exec(requestLine)?.[1] ?? requestLine
        counts.set(id, (counts.get(id) ?? 0) + 1)
      }
      const replayed = [...counts.values()].reduce((sum, count) => sum + count - 1, 0)
      judgement.equal('answers', [], answered.slice(0, 5))
      judgement.atMost('replays', context.threshold('replays'), replayed, '')
      judgement.equal('requests that arrived', posts, counts.size)
      return `${counts.size} POSTs arrived, ${replayed} of them again`
    },
  }),
  {
    requirement: 'L7-RTY-002',
    sends: `${gets} GETs to a Service of which one endpoint answers and one refuses; one where all refuse`,
    expects: `all ${gets} are answered by the one; the last is told so, and does not wait for ever`,
    fixtures: [web],
    run: async (context) => {
      const judgement = new Judgement()
      const host = await serviceOf(context, [
        { index: 0, port: 9 },
        { index: 1, port: ports.http },
      ])
      const ask = () => askHttp(context, inPod(context), { host, port: 80 }, getRequest('/retry'))
      const known = await eventually(ask, (answer) => echoOf(answer) !== undefined, {
        withinMs: context.threshold('convergenceMs'),
        signal: context.signal,
      })
      judgement.holds('the first GET', '200', describeAnswer(known.seen), known.accepted)
      const failed: string[] = []
      for (let turn = 0; turn < gets && known.accepted; turn += 1) {
        const answer = await ask()
        if (echoOf(answer) === undefined) failed.push(describeAnswer(answer))
      }
      judgement.equal('GETs that were not answered', [], failed)
      return judgement.assessment(`${gets} GETs answered beside an endpoint that refuses`)
    },
  },
]
