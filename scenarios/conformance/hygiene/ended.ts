import type { Assessment, Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backends } from '../l4/backends.fixture.ts'
import { answeredBy, type Front, look } from '../l4/follow.ts'
import { deleteService, endpointOf, fixturePods, ownService } from '../l4/own-service.ts'
import { keptDown, pidsAt, withAgent } from '../support/agent.ts'
import { describeVolley } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { rulesOf } from '../support/node-state.ts'
import { inPod } from '../support/positions.ts'

/** How long an agent may take to end when it is asked to. */
const endsMs = 60_000

/** New connections while no agent runs. */
const connections = 20

const usual = {
  capabilities: ['node-access'],
  fixtures: [backends],
  timeoutMs: 240_000,
} as const satisfies Partial<Check>

/** What is left on a node when its agent ends. */
export const ended: readonly Check[] = [
  {
    ...usual,
    requirement: 'HYG-UN-002',
    sends:
      'SIGTERM to the agent of a node, then, while none runs there, 20 TCP connections from a pod to a Service',
    expects:
      'each is answered or refused at once: rules that stay still lead to an endpoint, none leads nowhere',
    run: withAgent(async (context) =>
      whileDown(context, async (node) => {
        const old = await pidsAt(context, node)
        await context.target.restart(node, 'term', context)
        const { accepted } = await eventually(
          () => pidsAt(context, node),
          (now) => !now.some((pid) => old.includes(pid)),
          { withinMs: endsMs, signal: context.signal },
        )
        if (!accepted) throw new Error(`the agent on ${node} did not end on SIGTERM`)
      }),
    ),
  },
  {
    ...usual,
    requirement: 'HYG-KILL-002',
    sends:
      'SIGKILL to the agent of a node and to each that is started in its place; meanwhile 20 TCP connections from a pod to a Service',
    expects: 'each is answered or refused at once; the report says which',
    run: withAgent(async (context) =>
      whileDown(context, (node) => context.target.restart(node, 'kill', context)),
    ),
  },
  {
    ...usual,
    requirement: 'HYG-KILL-001',
    sends:
      'SIGKILL to the agent of a node; a Service is deleted before the next one runs; TCP connections from a pod to another Service',
    expects:
      'it is answered; the node has no more rules than before the deleted Service was made, none twice, none for its address',
    run: withAgent(async (context) => {
      const [pod, other] = await fixturePods(context)
      const { node } = inPod(context)
      const judgement = new Judgement()
      const kept = await ownService(context, { name: 'kept', endpoints: [endpointOf(pod)] })
      const front = { at: inPod(context), host: kept.host, port: 81 }
      if (!(await answeredBy(context, judgement, 'before', front, [pod.name])).ok)
        return judgement.assessment('')
      const before = await rulesOf(context, node)
      const gone = await ownService(context, { name: 'gone', endpoints: [endpointOf(other)] })
      const goneFront = { ...front, host: gone.host }
      if (!(await answeredBy(context, judgement, 'before', goneFront, [other.name])).ok)
        return judgement.assessment('')
      await context.target.restart(node, 'kill', context)
      const killedAt = performance.now()
      await deleteService(context, gone.name)
      const names = new RegExp(`(^|[^0-9.])${gone.host.replaceAll('.', '\\.')}([^0-9.]|$)`)
      const stale = (rules: readonly string[]): readonly string[] =>
        rules.filter((rule) => names.test(rule))
      await context.target.ready(context)
      const again = await answeredBy(context, judgement, 'after', front, [pod.name])
      let last = ''
      const { seen: after } = await eventually(
        () => rulesOf(context, node),
        (rules) => {
          // why: an agent that takes its rules away when it starts must not be judged by that moment
          const isSteady = rules.join('\n') === last
          last = rules.join('\n')
          return isSteady && rules.length <= before.length && stale(rules).length === 0
        },
        { withinMs: context.threshold('convergenceMs'), everyMs: 500, signal: context.signal },
      )
      const tookMs = performance.now() - killedAt
      judgement
        .set('rules for the deleted Service', [], stale(after))
        .set('rules that are there twice', twice(before), twice(after))
        // why: fewer is no fault: of what was gone before, some may have waited to be taken away together
        .atMost('rules', before.length, after.length, 'rules')
      if (before.length > 0 || again.ok)
        judgement.atMost('until all of that holds', context.threshold('recoveryMs'), tookMs)
      return judgement.assessment(`${after.length} rules, ${before.length} before; ${again.told}`)
    }),
  },
]

/** Judges new connections while the agent of the first edge node does not run. */
async function whileDown(
  context: CheckContext,
  end: (node: string) => Promise<void>,
): Promise<Assessment> {
  const [pod] = await fixturePods(context)
  const own = await ownService(context, { endpoints: [endpointOf(pod)] })
  const front: Front = { at: inPod(context), host: own.host, port: 81 }
  const judgement = new Judgement()
  if (!(await answeredBy(context, judgement, 'before', front, [pod.name])).ok)
    return judgement.assessment('')
  await end(front.at.node)
  const seen = await keptDown(context, front.at.node, () => look(context, front, connections))
  const bad = Object.keys(seen.failures).filter((kind) => kind !== 'refused')
  judgement.set('other ends than an answer or a refusal', [], bad)
  const after = await answeredBy(context, judgement, 'when it runs again', front, [pod.name])
  return judgement.assessment(`while no agent runs: ${describeVolley(seen)}; ${after.told}`)
}

/** Rules that more than one line says, word for word. */
function twice(rules: readonly string[]): readonly string[] {
  // why: several elements of one set may stand in lines of their own, but a rule has a chain and a verdict
  const isRule = (rule: string): boolean => rule.includes(' / chain ') || rule.includes(' -A ')
  return [...new Set(rules.filter((rule, index) => isRule(rule) && rules.indexOf(rule) !== index))]
}
