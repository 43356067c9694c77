import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf, type PodFacts, podsOf } from '../support/cluster-facts.ts'
import { control } from '../support/connect.ts'
import { arrivals, echoOf } from '../support/http-backend.ts'
import { type Answer, askHttp, describeAnswer, getRequest, postRequest } from '../support/http1.ts'
import { Judgement } from '../support/judgement.ts'
import { backendsOnNodes, ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { httpCheck } from './http-check.ts'
import { web } from './web.fixture.ts'

const posts = 500
const atOnce = 20

const gets = 30

/** How long our own backends may take to be ready. */
const podsReadyMs = 45_000

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
    timeoutMs: 120_000,
    sends: `${gets} GETs to a Service of two backends, one of which has just begun to refuse connections`,
    expects: 'every one is answered, by the other',
    run: async (context) => {
      const judgement = new Judgement()
      const [closing, staying] = await twoBackends(context)
      const host = await clusterIpOf(context, context.namespace, 'pair')
      const ask = (): Promise<Answer> =>
        askHttp(context, inPod(context), { host, port: 80 }, getRequest('/retry'))
      const pods = new Set<string>()
      await eventually(
        async () => pods.add(echoOf(await ask())?.pod ?? ''),
        () => pods.has(closing.name) && pods.has(staying.name),
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      const isServed = pods.has(closing.name) && pods.has(staying.name)
      judgement.holds('before', 'both answer', [...pods].join(', '), isServed)
      if (!isServed) return judgement.assessment('')
      // why: connections that a proxy keeps would still be answered
      await control(context, closing.ip, '/reset', { connections: true })
      await control(context, closing.ip, '/behave', { http: { refuse: true } })
      const wrong: string[] = []
      for (let turn = 0; turn < gets; turn += 1) {
        const answer = await ask()
        if (echoOf(answer)?.pod !== staying.name) wrong.push(describeAnswer(answer))
      }
      judgement.equal('GETs that the other did not answer', [], wrong)
      return judgement.assessment(`${gets} GETs answered beside a backend that refuses`)
    },
  },
]

/** Two backends of this check alone, on two nodes, behind `pair`. @throws Error when they do not become ready */
async function twoBackends(context: CheckContext): Promise<readonly [PodFacts, PodFacts]> {
  await context.apply([
    ...backendsOnNodes(context, 'pair', 2),
    service('pair', [{ name: 'http-0', port: 80, targetPort: ports.http }]),
  ])
  const { seen } = await eventually(
    () => podsOf(context, context.namespace),
    (pods) => pods.filter(({ ready }) => ready).length === 2,
    { withinMs: podsReadyMs, signal: context.signal },
  )
  const [first, second] = seen.filter(({ ready }) => ready)
  if (first === undefined || second === undefined) throw new Error('the backends are not ready')
  return [first, second]
}
