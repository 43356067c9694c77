import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext, Position } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { countAstray } from '../support/astray.ts'
import { describeVolley, volley } from '../support/connect.ts'
import { ask, describeAnswer, serviceName } from '../support/dns.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { apiFault, apiUnreachable, type Outage, restarted } from '../support/outage.ts'
import { inPod, onHost } from '../support/positions.ts'
import { describeSeen, keepLooking, type Look } from '../support/steady.ts'
import { holdWithin, whenKnown } from './scene.ts'

/** How long connections are tried after the agent was ended: it is back by then, or is trying to be. */
const afterwardsMs = 3_000

/** The agent starts while the API is away. */
export const restart: readonly Check[] = [
  {
    requirement: 'EDGE-OFF-005',
    sends: 'SIGKILL, then SIGTERM, to the agent while packets to the API are dropped',
    expects: 'each time names and connections of Services known before are answered again, in time',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context, { all }) => {
      const judgement = new Judgement()
      const told: string[] = []
      await apiUnreachable(context)
      for (const how of ['kill', 'term'] as const) {
        await restarted(context, 0, how)
        const withinMs = context.threshold('recoveryMs')
        const { accepted, seen, tookMs } = await holdWithin(context, all, withinMs)
        judgement.holds(`after ${how}`, `all answered within ${withinMs} ms`, seen, accepted)
        told.push(`after ${how} all was answered within ${Math.round(tookMs)} ms`)
      }
      return judgement.assessment(told.join(', '))
    }),
  },
  {
    requirement: 'EDGE-OFF-017',
    sends:
      'what the agent keeps on the node is removed, it is killed while packets to the API are dropped; then queries for a name that exists and one that does not',
    expects: 'SERVFAIL for both, every time',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context, { name, namespace }) => {
      const { forget } = context.target
      if (forget === undefined)
        return skipped('nobody knows how to make a start of this target its first')
      await apiUnreachable(context)
      await forget(inPod(context).node, context)
      await restarted(context, 0, 'kill')
      const judgement = new Judgement()
      for (const asked of [name, serviceName(context, 'nobody', namespace)]) {
        const rcodes = await rcodesFor(context, asked, afterwardsMs)
        judgement.set(`${asked}: rcodes`, ['SERVFAIL'], rcodes)
      }
      return judgement.assessment('SERVFAIL for both')
    }),
  },
  {
    requirement: 'EDGE-OFF-021',
    sends:
      'SIGTERM and SIGKILL to the agent while the API hangs, SIGKILL while it refuses; connections to ClusterIPs meanwhile',
    expects:
      'no packet for a ClusterIP leaves by the default route, and no connection hangs: it is served or refused',
    capabilities: ['node-fault', 'api-fault', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context, { ip }) => {
      const judgement = new Judgement()
      const told: string[] = []
      const astray = await countAstray(context, 0, [ip])
      const attempts = [inPod(context), onHost(context)].flatMap((at) =>
        [80, 81].map((port) => servedOrRefused(context, at, ip, port)),
      )
      const cases: readonly (readonly ['term' | 'kill', string, () => Promise<Outage>])[] = [
        ['term', 'hangs', () => apiUnreachable(context)],
        ['kill', 'hangs', () => apiUnreachable(context)],
        ['kill', 'refuses', () => apiFault(context, { kind: 'refuse' })],
      ]
      for (const [how, what, begin] of cases) {
        const outage = await begin()
        const watch = keepLooking(context, attempts, { everyMs: 30 })
        await restarted(context, 0, how)
        await delay(afterwardsMs, undefined, context)
        const seen = await watch.stop()
        await outage.end()
        const count = await astray()
        judgement
          .equal(`${how} while the API ${what}: packets astray`, 0, count)
          .holds(
            `${how} while the API ${what}: connections`,
            'served or refused',
            describeSeen(seen),
            seen.wrong === 0,
          )
        told.push(`${how}, ${what}: ${count} astray, ${describeSeen(seen)}`)
      }
      return judgement.assessment(told.join('; '))
    }),
  },
]

async function rcodesFor(
  context: CheckContext,
  name: string,
  forMs: number,
): Promise<ReadonlySet<string>> {
  const rcodes = new Set<string>()
  const answered = await holdWithin(context, [answers(context, name)], 10_000)
  if (!answered.accepted) return new Set([answered.seen])
  for (const until = performance.now() + forMs; performance.now() < until;) {
    const seen = await ask(context, { name })
    rcodes.add(seen.kind === 'dns' ? seen.rcode : seen.kind)
    await delay(100, undefined, context)
  }
  return rcodes
}

/** Somebody listens again. */
function answers(context: CheckContext, name: string): Look {
  return {
    name,
    look: async () => {
      const seen = await ask(context, { name, timeoutMs: 1_000 })
      return seen.kind === 'dns' ? undefined : describeAnswer(seen)
    },
  }
}

/** What a client may meet while the agent is away. */
const honest: readonly string[] = ['refused', 'reset', 'closed', 'unreachable']

function servedOrRefused(context: CheckContext, at: Position, host: string, port: number): Look {
  return {
    name: `${host}:${port} from ${at.network} of ${at.node}`,
    look: async () => {
      const http = port === 80 ? { http: [{ path: '/' }] } : {}
      const seen = await volley(context, at, { host, port, connectionTimeoutMs: 2_000, ...http })
      const hung = Object.keys(seen.failures).some((kind) => !honest.includes(kind))
      return hung ? describeVolley(seen) : undefined
    },
  }
}
