import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext, Position } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { failuresOf, podOf, volley } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { sourceAddresses } from '../support/source-addresses.ts'
import { sticksTo, sticky } from './affinity.ts'
import { backends } from './backends.fixture.ts'
import { patchService } from './own-service.ts'
import { ruleset, timeoutsOf } from './ruleset.ts'

/** Core/v1 ClientIPConfig: what timeoutSeconds is when nobody says it. */
const defaultSeconds = 10_800

/** "Minutes apart", where no ruleset tells the time-out. */
const minutesMs = 130_000

/** Clients whose backends are remembered: were all of them chosen anew, 1 in 10^9 times none would change. */
const clients = 20

const shortSeconds = 5

/** sessionAffinityConfig.clientIP.timeoutSeconds: these checks measure time, so they take it. */
export const affinityTime: readonly Check[] = [
  {
    requirement: 'L4-AFF-003',
    sends: `TCP connections of ${clients} clients to a Service with affinity for ${shortSeconds} s: every 3 s, 5 times, then once more after a pause of 7 s`,
    expects:
      'each client keeps its backend while it pauses for less than timeoutSeconds, however long that goes on; whether it changes after the long pause is recorded',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 150_000,
    run: async (context) => {
      const { host } = await sticky(context, shortSeconds)
      const { judgement, ask, first } = await begin(context, host)
      if (first === undefined) return judgement.assessment('')
      let lastAt = performance.now()
      for (let round = 2; round <= 5; round += 1) {
        await delay(3_000, undefined, { signal: context.signal })
        const now = await ask()
        const gapMs = performance.now() - lastAt
        // why: a machine that slept so long says nothing about the target
        if (gapMs > shortSeconds * 1000 - 200)
          throw new Error(`two rounds were ${Math.round(gapMs)} ms apart, want less than 4.8 s`)
        lastAt = performance.now()
        judgement.equal(`round ${round}: failures`, 0, now.failures)
        judgement.equal(`round ${round}: clients that changed`, 0, changed(first, now.pods))
      }
      await delay(7_000, undefined, { signal: context.signal })
      const late = await ask()
      judgement.equal('after the long pause: failures', 0, late.failures)
      return judgement.assessment(
        `kept for 12 s; after 7 s of silence ${changed(first, late.pods)} of ${clients} changed`,
      )
    },
  },
  {
    requirement: 'L4-AFF-004',
    sends:
      'TCP connections from a pod to a Service with affinity and no sessionAffinityConfig; the ruleset of its node is read',
    expects: `one backend answers; time-outs that the ruleset carries for this Service are ${defaultSeconds} s; where it carries none, the client keeps its backend over a pause of ${minutesMs / 1000} s`,
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 300_000,
    run: async (context) => {
      const own = await sticky(context)
      const front = { at: inPod(context), host: own.host, port: 81 }
      const judgement = new Judgement()
      const before = await sticksTo(context, judgement, 'before', front)
      if (before === undefined) return judgement.assessment('')
      const rules = await ruleset(context, 0)
      const found = timeoutsOf(rules, `${context.namespace}/${own.name}`)
      if (found.length === 0) await delay(minutesMs, undefined, { signal: context.signal })
      else judgement.set('time-outs in the ruleset, in s', [String(defaultSeconds)], new Set(found))
      const after = await sticksTo(context, judgement, 'after', front)
      if (after !== undefined) judgement.equal('backend after', before, after)
      return judgement.assessment(
        found.length === 0
          ? `no time-out in a ruleset; ${before} after ${minutesMs / 1000} s, too`
          : `${found.length} time-outs of ${defaultSeconds} s; ${before} again and again`,
      )
    },
  },
  {
    requirement: 'L4-AFF-006',
    sends: `TCP connections of ${clients} clients with pauses of 3.5 s, while timeoutSeconds goes from ${defaultSeconds} to 2 and back`,
    expects: 'clients change their backends with 2 s, and keep them with the long time',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: async (context) => {
      const own = await sticky(context, defaultSeconds)
      const { judgement, ask, first } = await begin(context, own.host)
      if (first === undefined) return judgement.assessment('')
      const told: string[] = []
      const change = async (seconds: number, isRight: (changes: number) => boolean) => {
        await patchService(context, own.name, {
          spec: { sessionAffinityConfig: { clientIP: { timeoutSeconds: seconds } } },
        })
        const { accepted, seen } = await eventually(
          async () => {
            const before = await ask()
            await delay(3_500, undefined, { signal: context.signal })
            return changed(before.pods, (await ask()).pods)
          },
          isRight,
          { withinMs: context.threshold('convergenceMs'), signal: context.signal },
        )
        told.push(`${seconds} s: ${seen} of ${clients} changed`)
        judgement.holds(
          `timeoutSeconds ${seconds}`,
          seconds === 2 ? 'clients change' : 'no client changes',
          `${seen} of ${clients} changed after a pause of 3.5 s`,
          accepted,
        )
      }
      await change(2, (changes) => changes > 0)
      if (judgement.ok) await change(defaultSeconds, (changes) => changes === 0)
      return judgement.assessment(told.join('; '))
    },
  },
]

interface Asked {
  readonly failures: number
  /** The pod that answered each client, in the order of the clients; undefined where none did. */
  readonly pods: readonly (string | undefined)[]
}

/** One connection of each client. */
async function askAll(
  context: CheckContext,
  at: Position,
  host: string,
  localAddresses: readonly string[],
): Promise<Asked> {
  const seen = await volley(context, at, {
    host,
    port: 81,
    connections: localAddresses.length,
    concurrency: 10,
    localAddresses,
  })
  return {
    failures: failuresOf(seen),
    pods: seen.order.map((index) => {
      const answer = seen.answers[index]?.answer
      return answer === undefined ? undefined : podOf(answer)
    }),
  }
}

/** Gives each client its backend; `first` is undefined when they were not all answered in time. */
async function begin(
  context: CheckContext,
  host: string,
): Promise<{
  readonly judgement: Judgement
  readonly ask: () => Promise<Asked>
  readonly first: Asked['pods'] | undefined
}> {
  const at = onHost(context)
  const addresses = await sourceAddresses(context, 0, clients)
  const ask = (): Promise<Asked> => askAll(context, at, host, addresses)
  const { accepted, seen } = await eventually(ask, ({ failures }) => failures === 0, {
    withinMs: context.threshold('convergenceMs'),
    signal: context.signal,
  })
  const judgement = new Judgement().equal('at first: failures', 0, seen.failures)
  return { judgement, ask, first: accepted ? seen.pods : undefined }
}

function changed(before: Asked['pods'], now: Asked['pods']): number {
  return before.filter((pod, index) => pod !== now[index]).length
}
