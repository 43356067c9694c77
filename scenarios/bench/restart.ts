import { setTimeout as delay } from 'node:timers/promises'
import {
  type Experiment,
  type ExperimentContext,
  type KubeObject,
  type Metric,
  type Replicate,
  type Sighting,
  Skip,
  type Watch,
  type WatchTarget,
} from '../../harness/api.ts'
import { eventually } from '../eventually.ts'
import { namespaceOf } from '../manifests.ts'
import { edgeNodes, part } from '../walkthrough/facts.ts'
import { backendPods, backendServicePorts, bareService, clusterIpOf, sliceOf } from './backends.ts'
import { errorWindowMs, settledOn } from './sightings.ts'

const everyMs = 10
const timeoutMs = 1_000

/** How long a new agent may take to run and to serve again; then the event is given up. */
const againMs = 120_000

/** Connections that stay over the restart, on the L4 path. */
const keptConnections = 4

/** What is watched, each by a new client every time. */
const ways = {
  l4: 'new TCP connections (L4)',
  l7: 'new HTTP connections (L7)',
  udp: 'new UDP flows',
  dns: 'names',
} as const

type Way = keyof typeof ways

const metrics: readonly Metric[] = [
  ...Object.entries(ways).map(([way, text]): Metric => ({
    id: `${way}-error-ms`,
    title: `error window of ${text}`,
    unit: 'ms',
    better: 'lower',
    role: 'gated',
    margin: 0.2,
  })),
  {
    id: 'kept-broken',
    title: `kept connections that broke, of ${keptConnections}`,
    unit: 'count',
    better: 'lower',
    role: 'gated',
    margin: 0.2,
  },
  {
    id: 'failed-percent',
    title: 'requests that failed from the restart until all was well',
    unit: '%',
    better: 'lower',
    role: 'advisory',
    margin: 0.2,
  },
  {
    id: 'again-ms',
    title: 'until a new agent ran and was ready',
    unit: 'ms',
    better: 'lower',
    role: 'advisory',
    margin: 0.2,
  },
]

/** "What do clients notice when the agent restarts under load?" */
export const restart: Experiment = {
  id: 'restart',
  title: 'What do clients of a node notice when its agent is restarted under load?',
  means:
    'what an upgrade of the data plane, or a crash of it, costs the clients of a node: how long nothing works, and which connections they lose',
  load: `in a pod on the first edge node a TCP connection, a GET, a datagram and a DNS question every ${everyMs} ms each, and ${keptConnections} connections that stay; the agent's pod on that node is deleted, as a rolling update does, or where the agent has none its program is ended (SIGTERM)`,
  metrics,
  replicates: { quick: 4, full: 12 },
  replicateS: 8,
  run: restarts,
}

async function* restarts(context: ExperimentContext): AsyncGenerator<Replicate> {
  const [client, server] = edgeNodes(context)
  const { target, signal } = context
  const pids = async (): Promise<readonly number[]> =>
    (await target.pids?.(client.name, { signal })) ?? []
  if ((await pids()).length === 0) throw new Skip('the target has no agent on this node')
  const namespace = namespaceOf(context)
  const service = 'mm-restart'
  const [pod] = await backendPods(context, [`${service}-a`], server.name)
  if (pod === undefined) throw new Error('there is no backend')
  await context.apply([bareService(service, namespace), sliceOf(service, namespace, [pod])])
  const host = await clusterIpOf(context, service)
  const at = { node: client.name, network: 'container' } as const
  const watches: [Way, Watch, string][] = []
  for (const [way, wanted] of watched(context, host, pod.name))
    watches.push([
      way,
      await context.watch(at, { target: wanted.target, everyMs, timeoutMs }),
      wanted.seen,
    ])
  await allWell(context, watches, 0, 'before the first restart')
  for (let event = 0; event < context.replicates; event += 1) {
    const kept = await keptOn(context, host)
    const began = watches.map(([, watch]) => watch.sightings.length)
    const before = await pids()
    const restartedMs = performance.now()
    const how = await restartOn(context, client.name)
    const { accepted } = await eventually(
      pids,
      (now) => now.length > 0 && now.every((pid) => !before.includes(pid)),
      { withinMs: againMs, everyMs: 20, signal },
    )
    if (!accepted) throw new Error(`no new agent ran on ${client.name} within ${againMs / 1000} s`)
    await target.ready({ signal })
    const againAfterMs = performance.now() - restartedMs
    await allWell(context, watches, performance.now(), `after restart ${event + 1}`)
    // why: a name server or rule that goes once more, when the old agent's end is noticed late, belongs to it
    await delay(1_000, undefined, { signal })
    yield replicateOf({ how, watches, began, kept, againAfterMs })
    for (const one of kept) await one[Symbol.asyncDispose]()
  }
}

function watched(
  { facts }: ExperimentContext,
  host: string,
  pod: string,
): readonly (readonly [Way, { readonly target: WatchTarget; readonly seen: string }])[] {
  const { tcp, http, udp } = backendServicePorts
  const { serviceName, namespace, clusterDomain, dnsServer, clusterIp } = facts
  const name = `${serviceName}.${namespace}.svc.${clusterDomain}`
  return [
    ['l4', { seen: pod, target: { kind: 'tcp', host, port: tcp } }],
    ['l7', { seen: pod, target: { kind: 'http', host, port: http, authority: host } }],
    ['udp', { seen: pod, target: { kind: 'udp', host, port: udp } }],
    [
      'dns',
      { seen: clusterIp, target: { kind: 'dns', host: dnsServer, port: 53, name, type: 'A' } },
    ],
  ]
}

/** Every watch sees what it has to, in requests that were sent after a moment. */
async function allWell(
  { signal }: ExperimentContext,
  watches: readonly (readonly [Way, Watch, string])[],
  sinceMs: number,
  when: string,
): Promise<void> {
  for (const [way, watch, seen] of watches) {
    const isWell = settledOn([seen])
    const accept = (all: readonly Sighting[]): boolean =>
      isWell(all.slice(-1_000).filter(({ sentMs }) => sentMs > sinceMs))
    if (!(await watch.until(accept, { withinMs: againMs, signal })))
      throw new Error(
        `${ways[way]} were not served ${when} within ${againMs / 1000} s; last seen: ${watch.sightings.at(-1)?.seen ?? 'nothing'}`,
      )
  }
}

async function keptOn(context: ExperimentContext, host: string): Promise<readonly Watch[]> {
  const [{ name: node }] = edgeNodes(context)
  const target = { kind: 'kept-tcp', host, port: backendServicePorts.tcp } as const
  const kept: Watch[] = []
  for (let index = 0; index < keptConnections; index += 1)
    kept.push(
      await context.watch({ node, network: 'container' }, { target, everyMs: 50, timeoutMs }),
    )
  const { signal } = context
  for (const one of kept)
    if (
      !(await one.until((all) => all.some(({ answered }) => answered), {
        withinMs: againMs,
        signal,
      }))
    )
      throw new Error('a connection that is to stay was not answered')
  return kept
}

/** @returns what was done, in words */
async function restartOn(
  { cluster, target, signal }: ExperimentContext,
  node: string,
): Promise<string> {
  const { pods } = target
  if (pods !== undefined) {
    const { kube } = cluster
    const type = await kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, { signal })
    const { items } = await kube.list(type, { ...pods, signal })
    const own = items.filter((pod) => nodeOf(pod) === node)
    for (const { metadata } of own)
      await kube.delete(type, { namespace: pods.namespace, name: metadata.name }, { signal })
    if (own.length > 0) return 'agent restarted (pod deleted)'
  }
  await target.restart(node, 'term', { signal })
  return 'agent restarted (SIGTERM)'
}

function nodeOf(pod: KubeObject): string | undefined {
  return part<{ nodeName?: string }>(pod, 'spec').nodeName
}

interface Seen {
  readonly how: string
  readonly watches: readonly (readonly [Way, Watch, string])[]
  /** How many requests each watch had before. */
  readonly began: readonly number[]
  readonly kept: readonly Watch[]
  readonly againAfterMs: number
}

function replicateOf({ how, watches, began, kept, againAfterMs }: Seen): Replicate {
  const own = watches.map(([way, watch], index) => ({
    way,
    sightings: watch.sightings.slice(began[index]),
  }))
  const all = own.flatMap(({ sightings }) => sightings)
  const failed = all.filter(({ answered }) => !answered)
  const kinds = own.flatMap(({ way, sightings }) => {
    const why = [...new Set(sightings.filter(({ answered }) => !answered).map(({ seen }) => seen))]
    return why.length === 0 ? [] : [`${way}: ${why.join(', ')}`]
  })
  return {
    label: how,
    values: {
      ...Object.fromEntries(
        own.map(({ way, sightings }) => [`${way}-error-ms`, errorWindowMs(sightings, everyMs)]),
      ),
      'kept-broken': kept.filter(({ sightings }) => sightings.some(({ answered }) => !answered))
        .length,
      'failed-percent': (failed.length / Math.max(1, all.length)) * 100,
      'again-ms': againAfterMs,
    },
    ...(kinds.length > 0 && { note: kinds.join('; ') }),
  }
}
