import { setTimeout as delay } from 'node:timers/promises'
import { byHand } from '../support/by-hand.ts'
import type { Check, CheckContext } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { Judgement } from '../support/judgement.ts'
import { service } from '../support/objects.ts'
import { apiAway, apiUnreachable } from '../support/outage.ts'
import { inPod } from '../support/positions.ts'
import { describeSeen, keepLooking } from '../support/steady.ts'
import { holdWithin, whenKnown } from './scene.ts'

/** Long enough for every delay between tries to have grown; what is used per second stays the same then. */
const awayMs = 30_000

const flapMs = 5_000
const flaps = 6

const services = 1_000
const endpointsEach = 5
const requestsPerSecond = 100
const loadedMs = 20_000

/** What the agent uses: while nothing can be learned, while the link flaps, with a large cluster. */
export const resources: readonly Check[] = [
  {
    requirement: 'EDGE-OFF-007',
    sends: `queries and connections while the API is away and back every ${flapMs / 1000} s, ${flaps} times`,
    expects:
      'nothing fails, an old connection goes on, the second half costs no more CPU than twice the first',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    timeoutMs: 240_000,
    run: whenKnown(async (context, { ip, all }) => {
      const { node } = inPod(context)
      const probe = await context.probe(inPod(context))
      const stream = await probe.stream({ host: ip, port: 82, timeoutMs: 5_000 }, context)
      context.keep(stream)
      const echoed = async (text: string): Promise<boolean> => {
        const send = { do: 'send', base64: Buffer.from(text).toString('base64') } as const
        const read = { do: 'read', until: { text: 'x\n' }, withinMs: 5_000 } as const
        return (await stream.play([send, read], context)).complete
      }
      const judgement = new Judgement().equal('echo before', true, await echoed('echo\nx\n'))
      const watch = keepLooking(context, all, { everyMs: 200 })
      const usedUs: number[] = [(await context.target.usage(node, context)).cpuUs]
      for (let flap = 0; flap < flaps; flap += 1) {
        const outage = await apiAway(context)
        await delay(flapMs, undefined, context)
        await outage.end()
        await delay(flapMs, undefined, context)
        usedUs.push((await context.target.usage(node, context)).cpuUs)
      }
      const seen = await watch.stop()
      const at = (index: number): number => usedUs[index] ?? 0
      const first = at(flaps / 2) - at(0)
      const second = at(flaps) - at(flaps / 2)
      // why: a client that cannot look for as long as it waits is not to be taken for a growing one
      const floorUs = flapMs * 10
      return judgement
        .holds('names and traffic', 'nothing lost', describeSeen(seen), seen.wrong === 0)
        .equal('echo afterwards', true, await echoed('x\n'))
        .atMost('CPU of the second half', Math.max(first * 2, floorUs) / 1_000, second / 1_000)
        .assessment(
          `${describeSeen(seen)}; CPU ${Math.round(first / 1_000)} ms, then ${Math.round(second / 1_000)} ms`,
        )
    }),
  },
  {
    requirement: 'EDGE-OFF-018',
    sends: `the API is away for ${awayMs / 1000} s, then back`,
    expects: 'memory has grown by no more than the threshold, and names and traffic are as before',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    timeoutMs: 240_000,
    run: whenKnown(async (context, { all }) => {
      const { node } = inPod(context)
      const before = await context.target.usage(node, context)
      const outage = await apiUnreachable(context)
      await delay(awayMs, undefined, context)
      await outage.end()
      await delay(flapMs, undefined, context)
      const after = await context.target.usage(node, context)
      const { accepted, seen } = await holdWithin(context, all, context.threshold('convergenceMs'))
      const grown = (after.rssBytes / before.rssBytes - 1) * 100
      return new Judgement()
        .atMost('growth of memory', context.threshold('rssGrowthPercent'), grown, '%')
        .atMost(
          'more open files',
          context.threshold('dials'),
          after.openFiles - before.openFiles,
          'files',
        )
        .holds('names and traffic', 'as before', seen, accepted)
        .assessment(
          `memory ${grown.toFixed(1)} %, ${after.openFiles - before.openFiles} open files more`,
        )
    }),
  },
  {
    requirement: 'EDGE-RES-001',
    sends: `${services} Services with ${endpointsEach} endpoints each, ${requestsPerSecond} requests per second for ${loadedMs / 1000} s`,
    expects: 'memory and CPU of the agent below the thresholds',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 480_000,
    run: whenKnown(async (context, { traffic }) => {
      const { node } = inPod(context)
      await context.apply(manyServices())
      await delay(flapMs, undefined, context)
      const before = await context.target.usage(node, context)
      const [tcp] = traffic
      if (tcp === undefined) throw new Error('nothing to ask')
      const clients = 5
      const everyMs = (clients * 1_000) / requestsPerSecond
      const startedAt = performance.now()
      const watch = keepLooking(context, Array<typeof tcp>(clients).fill(tcp), { everyMs })
      await delay(loadedMs, undefined, context)
      const seen = await watch.stop()
      const after = await context.target.usage(node, context)
      const tookMs = performance.now() - startedAt
      const rssMiB = after.rssBytes / 2 ** 20
      const millicores = (after.cpuUs - before.cpuUs) / tookMs
      return new Judgement()
        .atMost('memory', context.threshold('rssMiB'), rssMiB, 'MiB')
        .atMost('CPU', context.threshold('cpuMillicores'), millicores, 'millicores')
        .assessment(
          `${Math.round(rssMiB)} MiB, ${Math.round(millicores)} millicores; ${describeSeen(seen)}`,
        )
    }),
  },
  {
    requirement: 'EDGE-RES-003',
    sends: `the API is away for ${awayMs / 1000} s`,
    expects: 'few log lines and little CPU of the agent meanwhile',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    timeoutMs: 180_000,
    run: whenKnown(async (context) => {
      const { node } = inPod(context)
      const { target } = context
      const outage = await apiAway(context)
      const before = await target.usage(node, context)
      await delay(awayMs, undefined, context)
      const after = await target.usage(node, context)
      await outage.end()
      const seconds = awayMs / 1_000
      const percent = (after.cpuUs - before.cpuUs) / (awayMs * 10)
      const judgement = new Judgement().atMost(
        'CPU',
        context.threshold('cpuPercentOfCore'),
        percent,
        '% of a core',
      )
      const lines = await target.log?.(node, seconds, context)
      if (lines !== undefined)
        judgement.atMost(
          'log lines per second',
          context.threshold('logLinesPerSecond'),
          lines.length / seconds,
          'lines/s',
        )
      return judgement.assessment(
        `${percent.toFixed(2)} % of a core, ${lines === undefined ? 'no log' : `${lines.length} lines in ${seconds} s`}`,
      )
    }),
  },
]

function manyServices(): Parameters<CheckContext['apply']>[0] {
  return Array.from({ length: services }, (_, index) => {
    const name = `many-${index}`
    const addresses = Array.from({ length: endpointsEach }, (_, each) => [
      `10.${200 + (index >> 8)}.${index & 255}.${each + 1}`,
    ])
    return [
      service(name, [{ name: 'web', port: 80 }], { selector: undefined }),
      ...byHand(
        name,
        addresses.map((one) => ({ addresses: one })),
        [{ name: 'web', port: 8080 }],
      ),
    ]
  }).flat()
}
