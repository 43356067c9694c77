import type { Experiment, ExperimentContext, KubeObject, Replicate } from '../../harness/api.ts'
import { namespaceOf } from '../manifests.ts'
import { edgeNodes } from '../walkthrough/facts.ts'
import { backendPods, backendServicePorts, bareService, clusterIpOf, sliceOf } from './backends.ts'

/** Services that there are in turn; a quick benchmark takes the first few. */
const sizes = [10, 100, 300, 1_000, 3_000, 10_000] as const

/** Objects that are written at a time. */
const atOnce = 20

/** A size that takes longer to write than this is more than the cluster bears: the ladder ends there. */
const longestWriteMs = 90_000

const servedMs = 60_000
const everyMs = 4
const timeoutMs = 500

/** Name lookups of a size. */
const lookups = 200

/** "What do more Services cost?" */
export const scale: Experiment = {
  id: 'scale',
  title: 'What do more Services cost a node?',
  means:
    'how memory, start of new Services and connections on an edge node suffer as the whole cluster grows',
  load: `${sizes.join(', ')} Services with one endpoint each, written one size after the other; after each a new Service is timed, and from a pod on the first edge node new TCP connections and DNS questions every ${everyMs} ms`,
  metrics: [
    {
      id: 'new-ms',
      title: 'new Service, until it was first served',
      unit: 'ms',
      better: 'lower',
      role: 'gated',
      margin: 0.2,
    },
    slope('new-slope', 'growth of that time', 'ms'),
    slope('rss-slope', "growth of the target's memory on the node", 'KiB'),
    slope('connect-slope', 'growth of the time of a new connection (median)', 'us'),
    slope('dns-slope', 'growth of the time of a name (median)', 'us'),
  ],
  replicates: { quick: 3, full: sizes.length },
  replicateS: 15,
  run: ladder,
}

function slope(
  id: string,
  title: string,
  unit: 'ms' | 'us' | 'KiB',
): Experiment['metrics'][number] {
  return {
    id,
    title,
    unit,
    better: 'lower',
    role: 'advisory',
    margin: 0.1,
    summary: { kind: 'slope', per: 100 },
  }
}

async function* ladder(context: ExperimentContext): AsyncGenerator<Replicate> {
  const [client, server] = edgeNodes(context)
  const [pod] = await backendPods(context, ['mm-scale-a'], server.name)
  if (pod === undefined) throw new Error('there is no backend')
  const namespace = namespaceOf(context)
  let written = 0
  for (const size of sizes.slice(0, context.replicates)) {
    const names = Array.from(
      { length: size - written },
      (_, index) => `mm-scale-${written + index}`,
    )
    context.tell(`writing ${names.length} more Services`)
    const tookMs = await write(
      context,
      names.flatMap((name) => [bareService(name, namespace), sliceOf(name, namespace, [pod])]),
    )
    written = size
    // why: the last one of a size is served only when the target has seen all before it
    const last = await served(context, names.at(-1) ?? '', pod.name)
    if (last === undefined)
      throw new Error(`of ${size} Services the last was not served within ${servedMs / 1000} s`)
    const freshName = `mm-scale-new-${size}`
    const fresh = await served(context, freshName, pod.name, async () => {
      await write(context, [
        bareService(freshName, namespace),
        sliceOf(freshName, namespace, [pod]),
      ])
    })
    const { rssBytes } = await context.target.usage(client.name, context)
    const connectUs = await medianUs(context, {
      kind: 'tcp',
      host: await clusterIpOf(context, freshName),
      port: backendServicePorts.tcp,
    })
    const { dnsServer, clusterDomain } = context.facts
    const name = `${freshName}.${namespace}.svc.${clusterDomain}`
    const dnsUs = await medianUs(context, {
      kind: 'dns',
      host: dnsServer,
      port: 53,
      name,
      type: 'A',
    })
    yield {
      label: `${size} Services`,
      size,
      values: {
        'new-ms': fresh ?? servedMs,
        'new-slope': fresh ?? servedMs,
        'rss-slope': rssBytes / 1_024,
        ...(connectUs !== undefined && { 'connect-slope': connectUs }),
        ...(dnsUs !== undefined && { 'dns-slope': dnsUs }),
      },
      ...(fresh === undefined && { censored: ['new-ms'] }),
      note: `memory ${Math.round(rssBytes / 1024 / 1024)} MiB; written in ${(tookMs / 1000).toFixed(1)} s`,
    }
    if (tookMs > longestWriteMs) {
      context.tell(
        `the cluster took ${Math.round(tookMs / 1000)} s to take ${size} Services: no more of them`,
      )
      return
    }
  }
}

/** @returns how long the API took, in ms */
async function write(
  context: ExperimentContext,
  manifests: readonly KubeObject[],
): Promise<number> {
  const began = performance.now()
  for (let from = 0; from < manifests.length; from += atOnce)
    await context.apply(manifests.slice(from, from + atOnce))
  return performance.now() - began
}

/**
 * Milliseconds until a Service is served to the client's node; of one that `make` writes, from the moment in which the
 * API had taken it.
 */
async function served(
  context: ExperimentContext,
  name: string,
  pod: string,
  make?: () => Promise<void>,
): Promise<number | undefined> {
  const [client] = edgeNodes(context)
  await make?.()
  const writtenMs = performance.now()
  const host = await clusterIpOf(context, name)
  const at = { node: client.name, network: 'container' } as const
  const target = { kind: 'tcp', host, port: backendServicePorts.tcp } as const
  await using watch = await context.watch(at, { target, everyMs, timeoutMs })
  const { signal } = context
  const is = await watch.until(
    (all) => all.some(({ answered, seen }) => answered && seen === pod),
    {
      withinMs: servedMs,
      signal,
    },
  )
  const first = watch.sightings.find(({ answered }) => answered)
  return is && first !== undefined ? Math.max(0, first.sentMs - writtenMs) : undefined
}

async function medianUs(
  context: ExperimentContext,
  target: Parameters<ExperimentContext['watch']>[1]['target'],
): Promise<number | undefined> {
  const [client] = edgeNodes(context)
  const at = { node: client.name, network: 'container' } as const
  await using watch = await context.watch(at, { target, everyMs, timeoutMs })
  const { signal } = context
  await watch.until(({ length }) => length >= lookups, { withinMs: servedMs, signal })
  const times = watch.sightings
    .filter(({ answered }) => answered)
    .map(({ tookMs }) => tookMs * 1_000)
    .sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)]
}
