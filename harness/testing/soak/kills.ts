import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { eventually } from '../../../scenarios/eventually.ts'
import { quantile } from '../../measure/quantile.ts'
import { connectLoad } from '../../load/client.ts'
import type { LoadGenerator, LoadJob, LoadResult, LoadTarget } from '../../model/load.ts'
import { patternBytes } from '../../model/pattern.ts'
import type { ProbeJob } from '../../model/probe.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import { examples, type Finding, type Outcome, type SoakFlags } from './outcome.ts'
import type { SoakScene } from './scene.ts'
import { pidsOf } from './vitals.ts'

/** Each of both kinds of load; far below what the path carries. */
const rateRps = 200
const connections = 16
const bodyBytes = 256

/** One window of load at most. The agent is killed while it lasts, the last time so long before its end. */
const longestWindowMs = 60_000
const perKillMs = 4_000
const lastKillBeforeEndMs = 4_000

/** DNS and L7 have to be back this long after a SIGKILL (requirements, ROB and EDGE-OFF). */
const backMs = 2_000

/** When an agent that does not come back is given up. */
const givenUpMs = 15_000
const askMs = 300
const everyMs = 20

/** Looks that one agent has to stay for before it is killed again: its rules and files are complete then. */
const readyMs = 10_000

interface Told {
  readonly kills: number
  readonly dnsMs: readonly number[]
  readonly l7Ms: readonly number[]
  /** Kills after which the agent was not another process, or not back. */
  readonly odd: readonly string[]
}

/** SIGKILL to the agent again and again while connections that are kept and new ones are asked over L4. */
export async function killSoak(
  scene: SoakScene,
  { kills, seed }: Pick<SoakFlags, 'kills' | 'seed'>,
): Promise<Outcome> {
  const held = new ResourceStack()
  try {
    const generators = await Promise.all(
      [0, 1].map(async () => {
        const channel = await scene.cluster.spawn(scene.inPod, 'load', scene)
        return held.use(connectLoad([{ node: scene.node, channel: held.use(channel) }]))
      }),
    )
    const results: LoadResult[][] = [[], []]
    let told: Told = { kills: 0, dnsMs: [], l7Ms: [], odd: [] }
    let loadedMs = 0
    for (let index = 0; told.kills < kills && told.odd.length === 0; index += 1) {
      const left = kills - told.kills
      const window = windowOf(seed + index, left)
      const [seen, killed] = await underLoad(scene, generators, window, (until) =>
        killUntil(scene, left, until),
      )
      loadedMs += window.durationMs
      seen.forEach((one, kind) => results[kind]?.push(one))
      told = {
        kills: told.kills + killed.kills,
        dnsMs: [...told.dnsMs, ...killed.dnsMs],
        l7Ms: [...told.l7Ms, ...killed.l7Ms],
        odd: [...told.odd, ...killed.odd],
      }
    }
    return {
      sent: `${told.kills} of ${kills} SIGKILLs, ${rateRps} requests/s each over connections that are kept and over new ones`,
      seen: `${results.flat().reduce((sum, { completed }) => sum + completed, 0)} answers`,
      findings: [
        { name: 'kills', seen: `${told.kills}, each by a new pid`, ok: told.kills === kills },
        {
          name: 'agents that are not new, or not back',
          seen: examples({ count: told.odd.length, first: told.odd }),
          ok: told.odd.length === 0,
        },
        requests('requests over kept connections', results[0] ?? [], loadedMs),
        requests('requests over new connections', results[1] ?? [], loadedMs),
        back('DNS back', told.dnsMs),
        back('L7 back', told.l7Ms),
      ],
    }
  } finally {
    await held[Symbol.asyncDispose]()
  }
}

type Window = Pick<LoadJob, 'durationMs' | 'seed'>

function windowOf(seed: number, killsLeft: number): Window {
  return {
    durationMs: Math.min(longestWindowMs, lastKillBeforeEndMs + killsLeft * perKillMs),
    seed,
  }
}

/** Runs one window of both loads, and work beside it that gets the time when it has to be done. */
async function underLoad<T>(
  scene: SoakScene,
  generators: readonly LoadGenerator[],
  window: Window,
  work: (untilMs: number) => Promise<T>,
): Promise<readonly [readonly LoadResult[], T]> {
  const begun = new EventEmitter()
  const all = Promise.all(
    generators.map((generator, index) =>
      generator.run(jobOf(scene, index === 0, window), {
        signal: scene.signal,
        began: () => begun.emit(`${index}`),
      }),
    ),
  )
  await Promise.race([Promise.all(generators.map((_, index) => once(begun, `${index}`))), all])
  const worked = await work(performance.now() + window.durationMs - lastKillBeforeEndMs)
  return [await all, worked]
}

function jobOf({ service }: SoakScene, isKept: boolean, window: Window): LoadJob {
  const bodySha256 = createHash('sha256').update(patternBytes(0, bodyBytes)).digest('hex')
  const to = {
    host: service.clusterIp,
    // why: `raw`, whose name says nothing of HTTP: it goes the L4 way
    port: 84,
    path: `/bytes/${bodyBytes}`,
    authority: 'soak.example',
    expect: { status: 200, bodySha256 },
  }
  const target: LoadTarget = isKept
    ? { kind: 'http', connections, ...to }
    : { kind: 'http-connect', ...to }
  return {
    target,
    profile: { kind: 'open-loop', rateRps, maxInFlight: 5_000 },
    warmupMs: 500,
    ...window,
    together: true,
  }
}

async function killUntil(scene: SoakScene, most: number, untilMs: number): Promise<Told> {
  const dnsMs: number[] = []
  const l7Ms: number[] = []
  const odd: string[] = []
  let kills = 0
  let before = (await pidsOf(scene)).join()
  while (kills < most && performance.now() < untilMs && odd.length === 0) {
    const atMs = performance.now()
    await scene.target.restart(scene.node, 'kill', scene)
    const [dns, l7] = await Promise.all([
      answered(scene, dnsJob(scene), atMs),
      answered(scene, httpJob(scene), atMs),
    ])
    const after = await agentIs(scene, before)
    kills += 1
    if (dns === undefined || l7 === undefined)
      odd.push(`kill ${kills}: ${dns === undefined ? 'DNS' : 'L7'} not back in ${givenUpMs} ms`)
    else if (!after.accepted) odd.push(`kill ${kills}: pid ${before}, then ${after.seen || 'none'}`)
    if (dns !== undefined) dnsMs.push(dns)
    if (l7 !== undefined) l7Ms.push(l7)
    before = after.seen
    await scene.target.ready(scene)
  }
  return { kills, dnsMs, l7Ms, odd }
}

/** Waits until one agent runs that is another process than before. */
function agentIs(
  scene: SoakScene,
  before: string,
): Promise<{ readonly accepted: boolean; readonly seen: string }> {
  return eventually(
    async () => (await pidsOf(scene)).join(),
    (pids) => /^\d+$/.test(pids) && pids !== before,
    { withinMs: readyMs, signal: scene.signal },
  )
}

/** Asks until the right answer comes. @returns milliseconds since `sinceMs`; undefined when it did not come */
async function answered(
  scene: SoakScene,
  job: ProbeJob,
  sinceMs: number,
): Promise<number | undefined> {
  const probe = await scene.probe(scene.inPod)
  const { accepted } = await eventually(
    () => probe.run(job, scene),
    (seen) =>
      (seen.kind === 'dns' && seen.answers.length > 0) ||
      (seen.kind === 'http' && seen.status === 200),
    { withinMs: givenUpMs, everyMs, signal: scene.signal },
  )
  return accepted ? performance.now() - sinceMs : undefined
}

function dnsJob({ cluster, service }: SoakScene): ProbeJob {
  const { clusterDns, clusterDomain } = cluster.topology
  return {
    kind: 'dns',
    server: { address: clusterDns, port: 53 },
    name: `${service.name}.default.svc.${clusterDomain}`,
    type: 'A',
    transport: 'udp',
    timeoutMs: askMs,
  }
}

function httpJob({ service }: SoakScene): ProbeJob {
  return { kind: 'http', url: `http://${service.clusterIp}/`, timeoutMs: askMs }
}

/** None may fail; and all windows have to have run to their ends. */
function requests(name: string, results: readonly LoadResult[], loadedMs: number): Finding {
  const sum = (of: (result: LoadResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0)
  const failed = sum(({ failures }) => Object.values(failures).reduce((one, two) => one + two, 0))
  const kinds = [...new Set(results.flatMap(({ failures }) => Object.keys(failures)))]
  const scheduled = sum((result) => result.scheduled)
  const completed = sum((result) => result.completed)
  const least = (0.9 * rateRps * loadedMs) / 1_000
  const slowest = Math.max(0, ...results.map(({ response }) => response.maxUs)) / 1_000
  return {
    name,
    seen: `${failed} of ${scheduled} failed${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}, slowest ${slowest.toFixed(0)} ms, ${results.length} windows`,
    ok: failed === 0 && completed === scheduled && scheduled >= least && results.length > 0,
  }
}

function back(name: string, tookMs: readonly number[]): Finding {
  if (tookMs.length === 0) return { name, seen: 'never', ok: false }
  const at = (q: number): string => quantile(tookMs, q).toFixed(0)
  const most = Math.max(...tookMs)
  return {
    name,
    seen: `after ${at(0.5)} ms in the middle, p90 ${at(0.9)}, at most ${most.toFixed(0)} ms (bound ${backMs} ms)`,
    ok: most <= backMs,
  }
}
