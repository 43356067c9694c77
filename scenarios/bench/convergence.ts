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
  backendServicePorts,
  type BackendPod,
  bareService,
  clusterIpOf,
  endpointsOf,
  sliceOf,
} from './backends.ts'
import {
  clockErrorMs,
  errorWindowMs,
  gapMs,
  longestGapMs,
  settledIn,
  settledOn,
} from './sightings.ts'

const everyMs = 4

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
  run: (context) =>
    converge(
      context,
      connections('l4', (host) => ({ kind: 'tcp', host, port: backendServicePorts.tcp })),
    ),
}

/** "How long, on the L7 path?" */
export const convergenceL7: Experiment = {
  ...convergenceL4,
  id: 'convergence-l7',
  title: 'How long until a change of endpoints shows at a client, on the L7 path?',
  load: convergenceL4.load.replace('TCP connection', 'HTTP connection with one GET'),
  needs: ['l7-proxy'],
  run: (context) =>
    converge(
      context,
      connections('l7', (host) => ({
        kind: 'http',
        host,
        port: backendServicePorts.http,
        authority: host,
      })),
    ),
}

/** "How long until a change of endpoints shows in the addresses of a name?" */
export const convergenceDns: Experiment = {
  ...convergenceL4,
  id: 'convergence-dns',
  title: 'How long until a change of endpoints shows in the addresses of a headless Service?',
  means:
    'for so long clients that find their peers by name, such as databases and message brokers, connect to one that is gone, or miss one that is there',
  load: `from a pod on the first edge node, a question for the A records of a headless Service every ${everyMs} ms; its endpoints we write ourselves; times count from the moment in which the API had taken the write`,
  replicates: { quick: 8, full: 60 },
  replicateS: 5,
  run: (context) => converge(context, names),
}

/** How endpoints show at a client. */
interface View {
  readonly name: string
  readonly isHeadless?: true
  /** A change that no client sees by then is given up, in ms; a client would have been, too. */
  readonly longestMs: number
  readonly target: (host: string, context: ExperimentContext, service: string) => WatchTarget
  /** Only these pods are seen, and nothing else. */
  readonly settled: (living: readonly BackendPod[]) => (sightings: readonly Sighting[]) => boolean
  /** What an event brings, or takes away, is seen. */
  readonly shows: (event: Event, sighting: Sighting, pods: Scene['pods']) => boolean
}

/** Who answers a connection. */
function connections(name: string, target: View['target']): View {
  return {
    name,
    longestMs: 10_000,
    target,
    settled: (living) => settledOn(living.map((pod) => pod.name)),
    shows: (event, { answered, seen: who }, [, second]) =>
      event === 'first' || event === 'last' ? answered : who === second.name,
  }
}

/** Which addresses a name has. CoreDNS as Kubernetes deploys it keeps answers for 30 s. */
const names: View = {
  name: 'dns',
  isHeadless: true,
  longestMs: 40_000,
  target: (_, context, service) => ({
    kind: 'dns',
    host: context.facts.dnsServer,
    port: 53,
    name: `${service}.${namespaceOf(context)}.svc.${context.facts.clusterDomain}`,
    type: 'A',
  }),
  settled: (living) => settledIn(living.length === 0 ? ['', 'NXDOMAIN'] : [addressesOf(living)]),
  shows: (event, { seen: addresses }, pods) =>
    addresses === addressesOf(event === 'first' || event === 'last' ? pods.slice(0, 1) : pods),
}

/** As a watch tells them. */
function addressesOf(pods: readonly BackendPod[]): string {
  return pods
    .map(({ ip }) => ip)
    .sort()
    .join(',')
}

async function* converge(context: ExperimentContext, view: View): AsyncGenerator<Replicate> {
  const [client, server] = edgeNodes(context)
  const namespace = namespaceOf(context)
  const service = `mm-convergence-${view.name}`
  const [a, b] = await backendPods(context, [`${service}-a`, `${service}-b`], server.name)
  if (a === undefined || b === undefined) throw new Error('there are no backends')
  await context.apply([
    bareService(service, namespace, view.isHeadless === true),
    sliceOf(service, namespace, [a]),
  ])
  const host = view.isHeadless === true ? '' : await clusterIpOf(context, service)
  await using watch = await context.watch(
    { node: client.name, network: 'container' },
    { target: view.target(host, context, service), everyMs, timeoutMs },
  )
  const { longestMs: withinMs } = view
  if (!(await watch.until(view.settled([a]), { withinMs, signal: context.signal })))
    // why: EdgeMesh reads Endpoints, and nobody mirrors slices into them
    throw new Error(
      `${service}, whose endpoints are EndpointSlices alone, was not served before the first event: ${lastSeen(watch)}`,
    )
  for (const event of inOrder(context)) {
    await delay(pauseMs.least + context.random() * (pauseMs.most - pauseMs.least), undefined, {
      signal: context.signal,
    })
    yield await seen(event, { context, watch, service, view, pods: [a, b] })
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
  readonly view: View
  readonly pods: readonly [BackendPod, BackendPod]
}

async function seen(
  event: Event,
  { context, watch, service, view, pods }: Scene,
): Promise<Replicate> {
  const { label, endpoints } = events[event]
  const { signal } = context
  const living = pods.slice(0, endpoints)
  const before = watch.sightings.length
  const writtenMs = await write(context, service, living)
  const { longestMs } = view
  const isSettled = await watch.until(
    (sightings) => view.settled(living)(sightings.slice(before).filter(sentAfter(writtenMs))),
    { withinMs: longestMs, signal },
  )
  const after = watch.sightings.slice(before).filter(sentAfter(writtenMs))
  const took = whenShown(event, after, { view, pods }, writtenMs)
  const isBesideLiving = event === 'add' || event === 'remove'
  const failed = after.filter(({ answered }) => !answered)
  const invalid = [
    ...sleptWhile(watch.sightings.slice(before), writtenMs, writtenMs + (took ?? 0), longestMs),
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
  longestMs: number,
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
  { view, pods }: Pick<Scene, 'view' | 'pods'>,
  writtenMs: number,
): number | undefined {
  const shows = (sighting: Sighting): boolean => view.shows(event, sighting, pods)
  const inOrderOfSending = after.toSorted((one, other) => one.sentMs - other.sentMs)
  const decisive =
    event === 'add' || event === 'first'
      ? inOrderOfSending.find(shows)
      : inOrderOfSending.findLast(shows)
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
