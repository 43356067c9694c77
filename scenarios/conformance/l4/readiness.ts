import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { describeWho, whoAnswers } from '../support/datagrams.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy, type Front } from './follow.ts'
import { endpointOf, fixturePods, ownService, terminating, unready } from './own-service.ts'

/** Which endpoints may get new connections: their conditions, and the set as it changes. */
export const readiness: readonly Check[] = [
  leavesAnother('L4-RDY-001', 'becomes unready', unready),
  {
    requirement: 'L4-RDY-002',
    sends:
      'HTTP requests and datagrams from a pod while the EndpointSlice has 1, 3, then 1 other endpoint',
    expects: 'exactly the endpoints of the slice answer, over HTTP and over UDP',
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const [first, second, third] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [] })
      const front = { at: inPod(context), host: own.host }
      const judgement = new Judgement()
      const told: string[] = []
      for (const pods of [[first], [first, second, third], [third]]) {
        const names = pods.map(({ name }) => name)
        await own.setEndpoints(pods.map((pod) => endpointOf(pod)))
        const what = `${names.length} endpoints`
        const overHttp = await answeredBy(
          context,
          judgement,
          `${what}, HTTP`,
          { ...front, port: 80, http: true },
          names,
        )
        if (!overHttp.ok) break
        const overUdp = await datagramsAnsweredBy(context, judgement, what, front, names)
        if (!overUdp.ok) break
        told.push(overHttp.told, overUdp.told)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  leavesAnother('L4-RDY-004', 'terminates', terminating),
]

/** Two ready endpoints; the conditions of one change: it gets no new connection any more, the other gets all. */
function leavesAnother(
  requirement: string,
  event: string,
  conditions: typeof unready | typeof terminating,
): Check {
  return {
    requirement,
    sends: `TCP connections from a pod before and after one of two endpoints ${event}`,
    expects: 'both answer before; after it every connection is answered by the other one',
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const [leaving, staying] = await fixturePods(context)
      const own = await ownService(context, {
        endpoints: [endpointOf(leaving), endpointOf(staying)],
      })
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      const both = [leaving.name, staying.name]
      const before = await answeredBy(context, judgement, 'before', front, both)
      if (!before.ok) return judgement.assessment('')
      await own.setEndpoints([endpointOf(leaving, conditions), endpointOf(staying)])
      const after = await answeredBy(context, judgement, 'after', front, [staying.name])
      return judgement.assessment(
        `${before.told}; ${after.told}; followed after ${Math.round(after.tookMs)} ms`,
        {
          convergence: {
            thresholdMs: context.threshold('convergenceMs'),
            observedMs: after.tookMs,
          },
        },
      )
    },
  }
}

async function datagramsAnsweredBy(
  context: CheckContext,
  judgement: Judgement,
  what: string,
  front: Omit<Front, 'port'>,
  names: readonly string[],
): Promise<{ readonly ok: boolean; readonly told: string }> {
  const { accepted, seen } = await eventually(
    () => whoAnswers(context, { ...front, port: 83 }, { sockets: 30 }),
    ({ pods, unanswered }) => unanswered === 0 && sameNames(pods, names),
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  judgement.set(`${what}, UDP: pods that answer`, names, new Set(seen.pods))
  judgement.equal(`${what}, UDP: sockets without an answer`, 0, seen.unanswered)
  return { ok: accepted, told: `${what}, UDP: ${describeWho(seen)}` }
}

function sameNames(pods: readonly string[], names: readonly string[]): boolean {
  return [...new Set(pods)].sort().join() === [...names].sort().join()
}
