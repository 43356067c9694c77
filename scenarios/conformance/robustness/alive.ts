import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { answeredBy, type Followed, type Front } from '../l4/follow.ts'
import { endpointOf, fixturePods, type OwnService, ownService } from '../l4/own-service.ts'
import { judgeSameProcesses, processesOf, withAgent } from '../support/agent.ts'
import type { PodFacts } from '../support/cluster-facts.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'

/** What a row about an agent that stays alive works with. */
export interface Alive {
  readonly context: CheckContext
  readonly judgement: Judgement
  readonly pods: readonly [PodFacts, PodFacts, PodFacts]
  /** A Service that is served before, and has to be after. */
  readonly own: OwnService
  /** Records that a Service's greeting port is answered by this pod. */
  readonly answers: (what: string, host: string, pod: PodFacts, port?: number) => Promise<Followed>
  /** Records that until now the agents are the processes that they were before the work. */
  readonly sameProcesses: (when: string) => Promise<void>
}

/**
 * A run in which the agents have to stay the same processes: a Service is served before; after the work its endpoint is
 * exchanged and the new one has to answer, so that an agent that lives and follows nothing is found out.
 * @param work - gives what was done, in words
 */
export function staysAlive(work: (alive: Alive) => Promise<string>): Check['run'] {
  return withAgent(async (context): Promise<Assessment> => {
    const pods = await fixturePods(context)
    const own = await ownService(context, { name: 'alive', endpoints: [endpointOf(pods[0])] })
    const judgement = new Judgement()
    const at = inPod(context)
    const answers: Alive['answers'] = (what, host, pod, port = 81) => {
      const front: Front = { at, host, port }
      return answeredBy(context, judgement, what, front, [pod.name])
    }
    if (!(await answers('before', own.host, pods[0])).ok) return judgement.assessment('')
    const before = await processesOf(context)
    const sameProcesses: Alive['sameProcesses'] = (when) =>
      judgeSameProcesses(context, judgement, before, `processes of the target ${when}`)
    const did = await work({ context, judgement, pods, own, answers, sameProcesses })
    await own.setEndpoints([endpointOf(pods[1])])
    const after = await answers('after, another endpoint', own.host, pods[1])
    await judgeSameProcesses(context, judgement, before)
    return judgement.assessment(`${did}; then ${after.told} after ${Math.round(after.tookMs)} ms`)
  })
}
