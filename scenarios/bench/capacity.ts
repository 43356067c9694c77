import {
  type Experiment,
  type ExperimentContext,
  LoadError,
  type LoadGenerator,
  type LoadTarget,
  type Replicate,
} from '../../harness/api.ts'
import { edgeNodes } from '../walkthrough/facts.ts'
import { http } from './http-latency.ts'

/** What a user calls fast enough, in ms. */
const limitMs = 10

/** 1 % of a step has to be slower than the limit before its rate counts as too much; it has so many samples at least. */
const samples = 5_000

/** The search ends when the largest good and the smallest bad rate are this close. */
const precision = 1.15

/** Above it nobody looks. */
const highestRps = 40_000
const highestText = highestRps.toLocaleString('en')
const firstRps = 500

/** A step at this rate takes as long as one may: its p99 needs the samples. */
const lowestRps = 250
const longestStepMs = 22_000
const shortestStepMs = 1_000

/** "How many requests per second with p99 under the limit?" */
export const l4Capacity: Experiment = capacity('l4')
export const l7Capacity: Experiment = capacity('l7')

function capacity(way: 'l4' | 'l7'): Experiment {
  return {
    id: `${way}-capacity`,
    title: `How many requests per second does the ${way.toUpperCase()} path carry with a p99 below ${limitMs} ms?`,
    means: `how much a node may be asked for before one of a hundred users waits longer than ${limitMs} ms`,
    load: `from a pod on the first edge node, open loop, the rate doubled from ${firstRps} per second until p99 is over ${limitMs} ms or requests fail, then the middle taken, not below ${lowestRps} and not above ${highestRps}; the same past the target`,
    uses: [way],
    metrics: [
      {
        id: 'target-rps',
        title: `requests per second with p99 below ${limitMs} ms (looked for up to ${highestText}), through the target`,
        unit: 'req/s',
        better: 'higher',
        role: 'advisory',
        margin: precision - 1,
      },
      {
        id: 'direct-rps',
        title: 'the same past the target',
        unit: 'req/s',
        better: 'higher',
        role: 'advisory',
        margin: precision - 1,
      },
    ],
    replicates: { quick: 1, full: 5 },
    replicateS: 60,
    run: (context) => searches(context, way),
  }
}

async function* searches(context: ExperimentContext, way: 'l4' | 'l7'): AsyncGenerator<Replicate> {
  const [client] = edgeNodes(context)
  const generator = await context.load({ node: client.name, network: 'container' })
  const { podIp, podPort, clusterIp, l4Port, l7Port } = context.facts
  const through = http(context.facts, clusterIp, way === 'l4' ? l4Port : l7Port)
  const past = http(context.facts, podIp, podPort)
  for (let search = 0; search < context.replicates; search += 1) {
    const isPastFirst = context.random() < 0.5
    const first = await searched(context, generator, isPastFirst ? past : through)
    const second = await searched(context, generator, isPastFirst ? through : past)
    const [direct, target] = isPastFirst ? [first, second] : [second, first]
    const censored = [
      ...(target.isLess === true ? ['target-rps'] : []),
      ...(direct.isLess === true ? ['direct-rps'] : []),
    ]
    yield {
      label: `search ${search + 1}`,
      values: {
        ...(target.rateRps !== undefined && { 'target-rps': target.rateRps }),
        ...(direct.rateRps !== undefined && { 'direct-rps': direct.rateRps }),
      },
      ...(censored.length > 0 && { censored }),
      ...(target.unknown !== undefined && { invalid: [`through the target: ${target.unknown}`] }),
      note: `through the target ${target.told}; past it ${direct.told}`,
    }
  }
}

interface Found {
  /** The largest rate that was good; where none was, the smallest that was tried; absent where nothing is known. */
  readonly rateRps?: number
  /** Not even the smallest rate was good: the true one is below. */
  readonly isLess?: true
  /** Why no limit was found; then the rate, if there is one, is one that was borne, and no more is known. */
  readonly unknown?: string
  readonly told: string
}

/** Doubles until it is too much, then looks between; below the lowest and above the highest rate nobody looks. */
async function searched(
  context: ExperimentContext,
  generator: LoadGenerator,
  target: LoadTarget,
): Promise<Found> {
  let good = 0
  let bad = Infinity
  let rateRps = firstRps
  let told = ''
  while (bad / Math.max(good, 1) > precision && good < highestRps) {
    const step = await decided(context, generator, target, rateRps)
    if (step.verdict === 'generator') return generatorBound({ good, bad, told, rateRps }, step.told)
    if (step.verdict === 'good') {
      good = rateRps
      told = `p99 ${step.told} at ${rateRps}`
    } else bad = rateRps
    if (bad <= lowestRps) {
      const notEven = `not even ${lowestRps}: ${step.told}`
      // why: a path that carries nothing has no capacity that is merely small
      return step.isSilent === true
        ? { unknown: `${step.told}, at ${lowestRps} per second`, told: notEven }
        : { rateRps: lowestRps, isLess: true, told: notEven }
    }
    rateRps = bad === Infinity ? Math.min(rateRps * 2, highestRps) : between(good, bad)
  }
  return {
    rateRps: good,
    told: good < highestRps ? told : `${told}, or more: none above was tried`,
  }
}

interface Bracket {
  readonly good: number
  readonly bad: number
  readonly told: string
  readonly rateRps: number
}

/** What is known when the generator gives out at a rate: what it could not send is no limit of what was asked. */
function generatorBound({ good, bad, told, rateRps }: Bracket, why: string): Found {
  const late = `${rateRps}: ${why}`
  if (good === 0) return { unknown: why, told: late }
  if (bad === Infinity)
    return {
      rateRps: good,
      unknown: why,
      told: `${told}; ${late}, or more: the generator was the limit`,
    }
  // why: the limit is between two rates that were tried, only further apart than they should be
  return {
    rateRps: good,
    told: `${told}, too much at ${bad}, not known between them (wider than ${precision} times): ${late}`,
  }
}

/** The geometric middle, or the lowest rate where none was good yet. */
function between(good: number, bad: number): number {
  return good === 0 ? lowestRps : Math.round(Math.sqrt(good * bad))
}

/** How often a step is taken that the generator refused: a machine may be busy for a moment. */
const tries = 3

async function decided(
  context: ExperimentContext,
  generator: LoadGenerator,
  target: LoadTarget,
  rateRps: number,
): Promise<Step> {
  for (let attempt = 1; ; attempt += 1) {
    const step = await isGood(context, generator, target, rateRps)
    context.tell(`${rateRps} per second: ${step.told}`)
    if (step.verdict !== 'generator' || attempt === tries) return step
  }
}

/** Rules by which the generator refuses a trial although the target may have borne the rate. */
const ofGenerator = /^(the schedule was not kept|the generator was busy|the generator's machine)/

const silent = 'no request was answered'

interface Step {
  readonly verdict: 'good' | 'bad' | 'generator'
  /** Nothing came back. */
  readonly isSilent?: true
  readonly told: string
}

/** @throws LoadError `foreign-answer` when somebody else answered: then nothing of it is the target's */
async function isGood(
  { seed, signal }: ExperimentContext,
  generator: LoadGenerator,
  target: LoadTarget,
  rateRps: number,
): Promise<Step> {
  const durationMs = Math.min(
    longestStepMs,
    Math.max(shortestStepMs, Math.ceil((samples * 1.1 * 1_000) / rateRps)),
  )
  const { invalid, response } = await generator.run(
    {
      target: target.kind === 'http' ? { ...target, connections: 64 } : target,
      profile: { kind: 'open-loop', rateRps, maxInFlight: 2_000 },
      warmupMs: 300,
      durationMs,
      seed,
    },
    { signal },
  )
  const foreign = invalid.find((reason) => reason.includes('foreign answer'))
  if (foreign !== undefined)
    throw new LoadError('foreign-answer', `${target.host}, at ${rateRps} per second: ${foreign}`)
  const [why] = invalid
  if (why !== undefined) {
    const verdict = ofGenerator.test(why) ? 'generator' : 'bad'
    return { verdict, told: why, ...(invalid.includes(silent) && { isSilent: true }) }
  }
  const p99Ms = (response.p99Us ?? Infinity) / 1_000
  if (!Number.isFinite(p99Ms)) return { verdict: 'bad', told: 'too few samples for a p99' }
  return { verdict: p99Ms < limitMs ? 'good' : 'bad', told: `${p99Ms.toFixed(2)} ms` }
}
