import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backends } from '../l4/backends.fixture.ts'
import { answeredBy } from '../l4/follow.ts'
import {
  deleteService,
  endpointOf,
  fixturePods,
  type OwnService,
  ownService,
} from '../l4/own-service.ts'
import { withAgent } from '../support/agent.ts'
import type { PodFacts } from '../support/cluster-facts.ts'
import { Judgement } from '../support/judgement.ts'
import { rulesOf } from '../support/node-state.ts'
import { ports } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { onNode } from '../support/shell.ts'

/** How often something is made and unmade. */
const times = 100

/** After so many the data plane is waited for, so that it has seen each batch. */
const batch = 10

const usual = {
  capabilities: ['node-access'],
  fixtures: [backends],
  timeoutMs: 600_000,
} as const satisfies Partial<Check>

const threePorts = [81, 85, 86].map((port) => ({
  name: `tcp-${port}`,
  port,
  targetPort: ports.tcp,
}))

/** What grows when Services and endpoints come and go. */
export const growth: readonly Check[] = [
  {
    ...usual,
    requirement: 'HYG-GRW-001',
    sends:
      'nothing but TCP connections to one of each 10 Services with 3 ports, which are made and deleted, 10 times',
    expects:
      'rules and chains are no more than before, listeners and open files of the agent on a node as many',
    run: withAgent((context) =>
      asBefore(context, async (_, [pod], judgement) => {
        for (let made = 0; made < times; made += batch) {
          const names = Array.from({ length: batch }, (_unused, index) => `many-${made + index}`)
          const services = await Promise.all(
            names.map((name) =>
              ownService(context, { name, ports: threePorts, endpoints: [endpointOf(pod)] }),
            ),
          )
          const front = { at: inPod(context), host: services.at(-1)?.host ?? '', port: 86 }
          const seen = await answeredBy(context, judgement, `after ${made + batch}`, front, [
            pod.name,
          ])
          await Promise.all(names.map((name) => deleteService(context, name)))
          if (!seen.ok) return
        }
      }),
    ),
  },
  {
    ...usual,
    requirement: 'HYG-GRW-002',
    sends: 'nothing but TCP connections to a Service whose only endpoint is exchanged 100 times',
    expects:
      'rules and chains are no more than before, listeners and open files of the agent on a node as many',
    run: withAgent((context) =>
      asBefore(context, async (own, pods, judgement) => {
        for (let exchanged = 1; exchanged <= times; exchanged += 1) {
          // why: the last of a batch was not met in it, so that what is seen then is no state of before
          const [last, ...others] = rotated(pods, Math.ceil(exchanged / batch))
          const next = exchanged % batch === 0 ? last : others[exchanged % 2 === 0 ? 0 : 1]
          await own.setEndpoints([endpointOf(next)])
          if (exchanged % batch !== 0) continue
          const front = { at: inPod(context), host: own.host, port: 81 }
          const seen = await answeredBy(context, judgement, `after ${exchanged}`, front, [
            next.name,
          ])
          if (!seen.ok) return
        }
      }),
    ),
  },
]

function rotated(
  [first, second, third]: readonly [PodFacts, PodFacts, PodFacts],
  by: number,
): readonly [PodFacts, PodFacts, PodFacts] {
  if (by % 3 === 0) return [first, second, third]
  return by % 3 === 1 ? [second, third, first] : [third, first, second]
}

interface Counts {
  readonly rules: number
  readonly listeners: number
  readonly 'open files': number
}

async function countsOn(context: CheckContext, node: string): Promise<Counts> {
  const [rules, listeners, usage] = await Promise.all([
    rulesOf(context, node),
    onNode(context, 0, 'ss -Hlntu'),
    context.target.usage(node, context),
  ])
  return {
    rules: rules.length,
    listeners: listeners.split('\n').length,
    'open files': usage.openFiles,
  }
}

/** Judges that work leaves as many of everything as there were. */
async function asBefore(
  context: CheckContext,
  work: (
    own: OwnService,
    pods: readonly [PodFacts, PodFacts, PodFacts],
    judgement: Judgement,
  ) => Promise<void>,
): Promise<Assessment> {
  const pods = await fixturePods(context)
  const own = await ownService(context, { endpoints: [endpointOf(pods[0])] })
  const judgement = new Judgement()
  const front = { at: inPod(context), host: own.host, port: 81 }
  if (!(await answeredBy(context, judgement, 'before', front, [pods[0].name])).ok)
    return judgement.assessment('')
  const before = await countsOn(context, front.at.node)
  await work(own, pods, judgement)
  const most = context.threshold('handlesLeft')
  const { seen: after } = await eventually(
    () => countsOn(context, front.at.node),
    (now) =>
      now.rules <= before.rules &&
      now.listeners === before.listeners &&
      now['open files'] - before['open files'] <= most,
    { withinMs: context.threshold('convergenceMs'), everyMs: 500, signal: context.signal },
  )
  judgement
    // why: fewer is no growth: what was gone before may have waited to be taken away together
    .atMost('rules', before.rules, after.rules, 'rules')
    .equal('listeners', before.listeners, after.listeners)
    .atMost('more open files', most, after['open files'] - before['open files'], 'files')
  return judgement.assessment(
    `${after.rules} rules, ${after.listeners} listeners, ${after['open files']} open files (${before['open files']} before)`,
  )
}
