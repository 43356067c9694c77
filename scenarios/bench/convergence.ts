import { setTimeout as delay } from 'node:timers/promises'
import type {
  Experiment,
  ExperimentContext,
  Metric,
  Replicate,
  Sighting,
  Watch,
  WatchTarget,
} from '../../harness/api.ts'
import { namespaceOf } from '../manifests.ts'
import { edgeNodes } from '../walkthrough/facts.ts'
import {
  backendPods,
  type BackendPod,
  bareService,
  clusterIpOf,
  endpointsOf,
  sliceOf,
} from './backends.ts'
import { clockErrorMs, errorWindowMs, gapMs, longestGapMs, settledOn } from './sightings.ts'

const everyMs = 4

/** A change that no client sees by then is given up; a client would have been, too. */
const longestMs = 10_000

/** A request without an answer counts as failed after this time. */
const timeoutMs = 1_000

/** Between two events: long and irregular enough that none is bundled with the one before, as rate limits do. */
const pauseMs = { least: 300, most: 1_300 } as const

/** What is done, and the pods behind the Service afterwards. */
const events = {
  add: { label: 'endpoint added', endpoints: 2 },
  remove: { label: 'endpoint removed', endpoints: 1 },
  last: { label: 'last endpoint removed (1 to 0)', endpoints: 0 },
  first: { label: 'first endpoint added (0 to 1)', endpoints: 1 },
} as const

type Event = keyof typeof events

const metrics: readonly Metric[] = [
  window('add-ms', 'endpoint added, until it was first used'),
  window('remove-ms', 'endpoint removed, until it was last used (stale window)'),
  window('first-ms', '0 to 1 endpoints, until a client was first answered'),
  window('last-ms', '1 to 0 endpoints, until a client was last answered (stale window)'),
  {
    id: 'error-ms',
    title: 'error window of an addition or removal beside a living endpoint',
    unit: 'ms',
    better: 'lower',
    role: 'gated',
    margin: 0.2,
  },
  {
    id: 'errors',
    title: 'failed requests in it',
    unit: 'count',
    better: 'lower',
    role: 'advisory',
    margin: 0.2,
  },
]

function window(id: string, title: string): Metric {
  return { id, title, unit: 'ms', better: 'lower', role: 'gated', margin: 0.2 }
}

/** "How long until a change of endpoints shows at a client, on the L4 path?" */
export const convergenceL4: Experiment = {
  id: 'convergence-l4',
  title: 'How long until a change of endpoints shows at a client, on the L4 path?',
  means:
    'for so long after a rollout or a failed readiness probe clients are still sent to a pod that is gone, or not yet to one that is there',
  load: `from a pod on the first edge node, a new TCP connection every ${everyMs} ms to a Service whose endpoints on the second edge node we write ourselves; times count from the moment in which the API had taken the write`,
  metrics,
  replicates: { quick: 20, full: 120 },
  replicateS: 1.2,
  run: (context) => converge(context, 'l4', (host) => ({ kind: 'tcp', host, port: 81 })),
}

/** "How long, on the L7 path?" */
export const convergenceL7: Experiment = {
  ...convergenceL4,
  id: 'convergence-l7',
  title: 'How long until a change of endpoints shows at a client, on the L7 path?',
  load: convergenceL4.load.replace('TCP connection', 'HTTP connection with one GET'),
  needs: ['l7-proxy'],
  run: (context) =>
    converge(context, 'l7', (host) => ({ kind: 'http', host, port: 80, authority: host })),
}

async function* converge(
  context: ExperimentContext,
  way: string,
  target: (host: string) => WatchTarget,
): AsyncGenerator<Replicate> {
  const [client, server] = edgeNodes(context)
  const namespace = namespaceOf(context)
  const service = `mm-convergence-${way}`
  const [a, b] = await backendPods(context, [`${service}-a`, `${service}-b`], server.name)
  if (a === undefined || b === undefined) throw new Error('there are no backends')
  await context.apply([bareService(service, namespace), sliceOf(service, namespace, [a])])
  const host = await clusterIpOf(context, service)
  await using watch = await context.watch(
    { node: client.name, network: 'container' },
    { target: target(host), everyMs, timeoutMs },
  )
  const withinMs = longestMs
  if (!(await watch.until(settledOn([a.name]), { withinMs, signal: context.signal })))
    throw new Error(`${host} was not served before the first event: ${lastSeen(watch)}`)
  for (const event of inOrder(context)) {
    await delay(pauseMs.least + context.random() * (pauseMs.most - pauseMs.least), undefined, {
      signal: context.signal,
    })
    yield await seen(event, { context, watch, service, pods: [a, b] })
  }
}

/** Additions with their removals, and removals of the last with their additions, in random order. */
function inOrder({ replicates, random }: ExperimentContext): readonly Event[] {
  const blocks = Array.from({ length: Math.ceil(replicates / 2) }, (_, index) =>
    index % 2 === 0 ? (['add', 'remove'] as const) : (['last', 'first'] as const),
  )
  return blocks
    .map((block) => ({ block, key: random() }))
    .sort((one, other) => one.key - other.key)
    .flatMap(({ block }) => block)
}

interface Scene {
  readonly context: ExperimentContext
  readonly watch: Watch
  readonly service: string
  readonly pods: readonly [BackendPod, BackendPod]
}

async function seen(event: Event, { context, watch, service, pods }: Scene): Promise<Replicate> {
  const { label, endpoints } = events[event]
  const { signal } = context
  const living = pods.slice(0, endpoints)
  const before = watch.sightings.length
  const writtenMs = await write(context, service, living)
  const names = living.map(({ name }) => name)
  const isSettled = await watch.until(
    (sightings) => settledOn(names)(sightings.slice(before).filter(sentAfter(writtenMs))),
    { withinMs: longestMs, signal },
  )
  const after = watch.sightings.slice(before).filter(sentAfter(writtenMs))
  const took = whenShown(event, after, pods, writtenMs)
  const isBesideLiving = event === 'add' || event === 'remove'
  const failed = after.filter(({ answered }) => !answered)
  const invalid = [
    ...sleptWhile(watch.sightings.slice(before), writtenMs, writtenMs + (took ?? 0)),
    ...(watch.clockErrorMs > clockErrorMs
      ? [`the client's clock is known to ${watch.clockErrorMs.toFixed(1)} ms, want ${clockErrorMs}`]
      : []),
  ]
  return {
    label,
    values: {
      [`${event}-ms`]: isSettled ? (took ?? 0) : longestMs,
      ...(isBesideLiving && {
        'error-ms': errorWindowMs(after, everyMs),
        errors: failed.length,
      }),
    },
    ...(!isSettled && { censored: [`${event}-ms`] }),
    invalid,
    ...(failed.length > 0 && isBesideLiving && { note: failuresText(failed) }),
  }
}

/** A client that slept before, at or right after the decisive moment cannot date it. */
function sleptWhile(
  sightings: readonly Sighting[],
  writtenMs: number,
  decidedMs: number,
): readonly string[] {
  const next = sightings.map(({ sentMs }) => sentMs).filter((sentMs) => sentMs > decidedMs)
  const gap = longestGapMs(sightings, writtenMs, Math.min(...next, decidedMs + longestMs))
  return gap > gapMs
    ? [`the client did not ask for ${Math.round(gap)} ms, want ${gapMs} at most`]
    : []
}

/** Milliseconds from the write until the change was there to stay; nothing when it was so from the first request on. */
function whenShown(
  event: Event,
  after: readonly Sighting[],
  [, second]: Scene['pods'],
  writtenMs: number,
): number | undefined {
  const isNew = ({ answered, seen: who }: Sighting): boolean =>
    event === 'first' ? answered : who === second.name
  const isOld = ({ answered, seen: who }: Sighting): boolean =>
    event === 'last' ? answered : who === second.name
  const inOrderOfSending = after.toSorted((one, other) => one.sentMs - other.sentMs)
  const decisive =
    event === 'add' || event === 'first'
      ? inOrderOfSending.find(isNew)
      : inOrderOfSending.findLast(isOld)
  return decisive === undefined ? undefined : decisive.sentMs - writtenMs
}

/** @returns when the API had taken it, on the harness' clock */
async function write(
  { cluster, signal }: ExperimentContext,
  service: string,
  pods: readonly BackendPod[],
): Promise<number> {
  const { kube } = cluster
  const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' }
  const type = await kube.typeOf(slice, { signal })
  const key = { namespace: namespaceOf({ cluster }), name: `${service}-a` }
  await kube.patch(type, key, { endpoints: endpointsOf(pods) }, { type: 'merge', signal })
  return performance.now()
}

function sentAfter(ms: number): (sighting: Sighting) => boolean {
  return ({ sentMs }) => sentMs > ms
}

function lastSeen({ sightings }: Watch): string {
  const last = sightings.at(-1)
  return last === undefined ? 'nothing was seen' : `last seen: ${last.seen}`
}

function failuresText(failed: readonly Sighting[]): string {
  const kinds = [...new Set(failed.map(({ seen: why }) => why))]
  return `${failed.length} failed: ${kinds.join(', ')}`
}
