import { setTimeout as delay } from 'node:timers/promises'
import { byHand } from '../../support/by-hand.ts'
import type { Check, CheckContext } from '../../../../harness/api.ts'
import { ask, dataOf, serviceName } from '../../support/dns.ts'
import { Judgement } from '../../support/judgement.ts'
import { type EndpointInit } from '../../support/objects.ts'
import { knownMs, plain } from '../expect.ts'
import { externalName } from '../external-name.ts'
import { addresses } from '../headless.fixture.ts'
import { headless } from '../newest.ts'
import { milliseconds, ttlMs, turnsInto } from './within.ts'

/** Endpoints of headless Services that come and go, and aliases that move. */
export const changingEndpoints: readonly Check[] = [
  {
    requirement: 'DNSF-005',
    sends: 'A queries while a headless Service goes from one endpoint to five, then to two',
    expects: 'exactly the endpoints after each step, within TTL plus slack',
    timeoutMs: 180_000,
    run: scaled,
  },
  {
    requirement: 'DNSF-006',
    sends:
      'A queries while one of two endpoints of a headless Service becomes unready, then ready again',
    expects: 'it goes and comes back within the bound',
    timeoutMs: 120_000,
    run: readiness,
  },
  {
    requirement: 'DNSF-008',
    sends: 'CNAME queries while an ExternalName Service gets another externalName',
    expects: 'the new name within TTL plus slack',
    timeoutMs: 120_000,
    run: aliasMoved,
  },
  {
    requirement: 'DNSF-015',
    sends:
      'A queries for a headless Service, from one client every 10 ms, while its endpoint is replaced five times',
    expects: 'once the new address was seen the old one is not seen again for two seconds',
    timeoutMs: 240_000,
    run: noFlapping,
  },
]

async function scaled(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const slackMs = context.threshold('slackMs')
  const set = changing(context, judgement, 'scaled')
  const all = addresses(61, 5).map((address) => ({ addresses: [address] }))
  const first = await set.becomes(all.slice(0, 1), 'first endpoint', knownMs)
  const thresholdMs = ttlMs(first.seen) + slackMs
  const tookMs: number[] = []
  for (const size of [5, 2]) {
    if (!judgement.ok) break
    tookMs.push((await set.becomes(all.slice(0, size), `${size} endpoints`, thresholdMs)).tookMs)
  }
  return judgement.assessment(`5, then 2 endpoints: ${milliseconds(tookMs)}`, {
    convergence: { thresholdMs, observedMs: Math.max(0, ...tookMs) },
  })
}

async function readiness(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('convergenceMs')
  const set = changing(context, judgement, 'flips')
  const [one = '', two = ''] = addresses(62, 2)
  const both = (ready: boolean): readonly EndpointInit[] => [
    { addresses: [one] },
    { addresses: [two], ready },
  ]
  await set.becomes(both(true), 'both ready', knownMs)
  const tookMs: number[] = []
  for (const ready of [false, true]) {
    if (!judgement.ok) break
    const label = ready ? 'ready again' : 'one unready'
    tookMs.push((await set.becomes(both(ready), label, thresholdMs)).tookMs)
  }
  return judgement.assessment(`unready, then ready: ${milliseconds(tookMs)}`, {
    convergence: { thresholdMs, observedMs: Math.max(0, ...tookMs) },
  })
}

async function aliasMoved(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const name = serviceName(context, 'alias', context.namespace)
  const becomes = async (target: string, withinMs: number): ReturnType<typeof turnsInto> => {
    await context.apply([externalName('alias', target)])
    return turnsInto(
      context,
      judgement,
      { name, type: 'CNAME' },
      { label: target, state: { data: [target] }, withinMs },
    )
  }
  const { seen } = await becomes('one.example.org', knownMs)
  if (!judgement.ok) return judgement.assessment('')
  const thresholdMs = ttlMs(seen) + context.threshold('slackMs')
  const { tookMs: observedMs } = await becomes('two.example.org', thresholdMs)
  return judgement.assessment(`after ${milliseconds([observedMs])}`, {
    convergence: { thresholdMs, observedMs },
  })
}

const replacements = 5

/** How long the old address is looked for once the new one was seen, in ms. */
const watchMs = 2_000

async function noFlapping(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const set = changing(context, judgement, 'moves')
  const all = addresses(63, replacements + 1)
  let looks = 0
  let relapses = 0
  for (const [at, address] of all.entries()) {
    await set.becomes([{ addresses: [address] }], address, knownMs)
    if (!judgement.ok) return judgement.assessment('')
    if (at === 0) continue
    const until = performance.now() + watchMs
    while (performance.now() < until) {
      const seen = await ask(context, { name: set.name })
      looks += 1
      if (seen.kind === 'dns' && dataOf(seen, 'A').map(plain).join() !== address) relapses += 1
      await delay(10, undefined, { signal: context.signal })
    }
  }
  judgement.equal(`other answers after the new one, of ${looks}`, 0, relapses)
  return judgement.assessment(
    `${replacements} replacements, ${looks} answers, each with the new address`,
  )
}

interface Changing {
  readonly name: string
  becomes(
    endpoints: readonly EndpointInit[],
    label: string,
    withinMs: number,
  ): ReturnType<typeof turnsInto>
}

/** A headless Service whose endpoints the check sets; what is listed has to be the ready ones. */
function changing(context: CheckContext, judgement: Judgement, service: string): Changing {
  const name = serviceName(context, service, context.namespace)
  return {
    name,
    becomes: async (endpoints, label, withinMs) => {
      await context.apply([headless(service), ...byHand(service, endpoints, [])])
      const data = endpoints
        .filter(({ ready = true }) => ready)
        .flatMap((endpoint) => endpoint.addresses)
      return turnsInto(context, judgement, { name }, { label, state: { data }, withinMs })
    },
  }
}
