import type { Check, CheckContext } from '../../../harness/api.ts'
import { byHand } from '../support/by-hand.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf, podsOf } from '../support/cluster-facts.ts'
import { echoOf } from '../support/http-backend.ts'
import { type Answer, askHttp, describeAnswer, getRequest, postRequest } from '../support/http1.ts'
import { Judgement } from '../support/judgement.ts'
import { ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { httpCheck, type HttpScene } from './http-check.ts'
import { untilUnavailable } from './selection.ts'
import { solo, web } from './web.fixture.ts'

/** A port of the backends' pods on which nobody listens. */
const closedPort = 9

const closings = 20

/** What a client is told when the backend does not, or cannot, answer. */
export const failures: readonly Check[] = [
  {
    requirement: 'L7-ERR-001',
    sends: 'GETs to the port http-0 of a Service without endpoints',
    expects: '503, and soon',
    run: async (context) => {
      const judgement = new Judgement()
      await context.apply([
        service('empty', [{ name: 'http-0', port: 80, targetPort: ports.http }], {
          selector: { app: 'nobody' },
        }),
      ])
      const host = await clusterIpOf(context, context.namespace, 'empty')
      await untilUnavailable(context, judgement, host, 80)
      const startedAt = performance.now()
      const answer = await askHttp(context, inPod(context), { host, port: 80 }, getRequest('/'))
      const tookMs = performance.now() - startedAt
      judgement.equal('status', 503, answer.kind === 'response' ? answer.status : answer.why)
      judgement.atMost('the answer', context.threshold('answerMs'), tookMs)
      return judgement.assessment(`${describeAnswer(answer)} after ${Math.round(tookMs)} ms`)
    },
  },
  {
    requirement: 'L7-ERR-002',
    sends: 'a GET to a Service whose only endpoint refuses connections',
    expects: '502 or 503',
    fixtures: [web],
    run: async (context) => {
      const judgement = new Judgement()
      const host = await refusingService(context)
      const answer = await untilTried(context, host)
      const isTold = answer.kind === 'response' && [502, 503].includes(answer.status)
      judgement.holds('the answer', '502 or 503', describeAnswer(answer), isTold)
      return judgement.assessment(describeAnswer(answer))
    },
  },
  httpCheck({
    requirement: 'L7-ERR-003',
    sends: 'a GET to a backend that never answers',
    expects: '504 in the end',
    timeoutMs: 180_000,
    judge: async ({ context, judgement, ask }) => {
      const startedAt = performance.now()
      const answer = await ask(getRequest('/stall'), context.threshold('timeoutMs'))
      judgement.equal('status', 504, answer.kind === 'response' ? answer.status : answer.why)
      const seconds = Math.round((performance.now() - startedAt) / 1000)
      return `${describeAnswer(answer)} after ${seconds} s`
    },
  }),
  httpCheck({
    requirement: 'L7-ERR-004',
    sends:
      'GETs to a backend that ends, or resets, in the middle of a body with a length and of a chunked one',
    expects: 'no response that looks whole: less than its length, no last chunk, a reset, or 502',
    judge: async ({ judgement, ask }) => {
      const told: string[] = []
      for (const query of ['', '?how=rst', '?chunked=1', '?chunked=1&how=rst']) {
        const answer = await ask(getRequest(`/cut/5000${query}`))
        const isTold =
          answer.kind === 'response'
            ? answer.status >= 500
            : answer.why === 'closed' || answer.why === 'reset'
        judgement.holds(`/cut/5000${query}`, 'cut, or 5xx', describeAnswer(answer), isTold)
        told.push(describeAnswer(answer))
      }
      return told.join('; ')
    },
  }),
  httpCheck({
    requirement: 'L7-ERR-005',
    sends: `${closings} times a request that makes the backend close at the next one, then a GET or a POST`,
    expects:
      'each is answered rightly, or with an error, or its connection ends; no POST arrives twice',
    fixture: solo,
    judge: async (scene) => {
      const kinds = new Map<string, number>()
      for (let turn = 0; turn < closings; turn += 1) {
        const seen = await afterClosing(scene, turn)
        kinds.set(seen, (kinds.get(seen) ?? 0) + 1)
      }
      return [...kinds].map(([seen, count]) => `${count} x ${seen}`).join('; ')
    },
  }),
]

async function afterClosing(
  { judgement, open, arrived, word }: HttpScene,
  turn: number,
): Promise<string> {
  const connection = await open()
  const kept = await connection.exchange(getRequest('/close-after/0?on=request'))
  const isKept = kept.kind === 'response' && kept.body.toString() === 'kept\n'
  judgement.holds(`${turn}: the request before`, '200', describeAnswer(kept), isKept)
  const path = `/${word}x${turn}x`
  const isPost = turn % 2 === 1
  const request = isPost ? postRequest(path, 'once') : getRequest(path)
  const answer = await connection.exchange(request)
  const isRight = echoOf(answer)?.requestLine === `${isPost ? 'POST' : 'GET'} ${path} HTTP/1.1`
  const isError =
    answer.kind === 'response'
      ? answer.status >= 500
      : answer.why === 'closed' || answer.why === 'reset'
  judgement.holds(
    `${turn}: the request`,
    'its answer, or an error',
    describeAnswer(answer),
    isRight || isError,
  )
  if (isPost) judgement.atMost(`${turn}: arrivals`, 1, (await arrived(path)).length, '')
  await connection[Symbol.asyncDispose]()
  return `${isPost ? 'POST' : 'GET'}: ${describeAnswer(answer)}`
}

/** A Service `hand-made` whose only endpoint is a port of a pod on which nobody listens. */
async function refusingService(context: CheckContext): Promise<string> {
  const [pod] = await podsOf(context, context.fixture(web))
  if (pod === undefined) throw new Error('the fixture web has no pod')
  await context.apply([
    service('hand-made', [{ name: 'http-0', port: 80 }], { selector: undefined }),
    ...byHand(
      'hand-made',
      [{ addresses: [pod.ip], nodeName: pod.node }],
      [{ name: 'http-0', port: closedPort }],
    ),
  ])
  return clusterIpOf(context, context.namespace, 'hand-made')
}

/** Asks until the endpoints are known: a proxy that knows none says 503, and one that has tried says 502. */
async function untilTried(context: CheckContext, host: string): Promise<Answer> {
  const { seen } = await eventually(
    () => askHttp(context, inPod(context), { host, port: 80 }, getRequest('/')),
    (answer) => answer.kind === 'response',
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  return seen
}
