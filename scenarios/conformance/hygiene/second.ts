import type { Check } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { answeredBy } from '../l4/follow.ts'
import { endpointOf, fixturePods, ownService } from '../l4/own-service.ts'
import { judgeSameProcesses, processesOf, withAgent } from '../support/agent.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { secondAgent } from '../support/second-agent.ts'

/** A second agent has to know by then that it is not alone. */
const refusesMs = 30_000

/** Words of an error that says why. */
const clear = /already|another|in use|running|locked|exists/i

export const second: readonly Check[] = [
  {
    requirement: 'HYG-KILL-003',
    sends:
      "a copy of the agent's pod on a node that has one; then TCP connections from a pod to a Service",
    expects:
      'the copy ends with another exit code than 0 and says that it is not alone; the first agent is the same process and serves',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: withAgent(async (context) => {
      const [pod] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [endpointOf(pod)] })
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      if (!(await answeredBy(context, judgement, 'before', front, [pod.name])).ok)
        return judgement.assessment('')
      const before = await processesOf(context)
      const seen = await secondAgent(context, { node: front.at.node, withinMs: refusesMs })
      if (seen === undefined) return skipped('the target does not tell its pods')
      const { code, log } = seen
      const said = log.split('\n').filter((line) => clear.test(line))
      judgement
        .holds(
          'exit code of the second',
          'other than 0',
          code === undefined ? `it runs on after ${refusesMs / 1_000} s` : String(code),
          code !== undefined && code !== 0,
        )
        .holds(
          'what it says',
          'that there is another one',
          said.at(-1) ?? log.slice(-300),
          said.length > 0,
        )
      await judgeSameProcesses(context, judgement, before)
      await answeredBy(context, judgement, 'after', front, [pod.name])
      return judgement.assessment(`exit code ${String(code)}: ${said.at(-1) ?? ''}`)
    }),
  },
]
