import { createHash, randomUUID } from 'node:crypto'
import type { BenchFacts, Grounded, KubeObject, ScenarioContext } from '../../harness/api.ts'
import { eventually } from '../eventually.ts'
import {
  backendPods,
  backendPorts,
  backendServicePorts,
  bareService,
  clusterIpOf,
  sliceOf,
} from './backends.ts'
import { type Grounds, groundsOf, throughEither } from './grounds.ts'
import { preparePayloads } from './payloads.ts'
import { namespaceOf, readManifests } from '../manifests.ts'
import { readyPod, pinned } from '../pods.ts'
import { convergenceMs, describe, edgeNodes, get, onNode } from '../walkthrough/facts.ts'

/** Name of the Service that the benchmark talks to; it stays while the walkthrough's own comes and goes. */
const serviceName = 'nginx-bench'
const l7Port = 12_345
const l4Port = 12_347

/** As in the manifest. */
const podPort = 8_080

/**
 * Sets up nginx on the second edge node behind one Service, and what else is asked for stands on. What only some
 * questions or experiments need may be missing then, with the reason.
 * @throws Error when nginx itself does not give its page: there is nothing to compare with
 */
export async function prepareBench(
  context: ScenarioContext,
  asked: readonly Grounded[] = [],
  backendImage?: () => Promise<string>,
): Promise<BenchFacts> {
  const [, b] = edgeNodes(context)
  const page = ownPage()
  const bodySha256 = createHash('sha256').update(page).digest('hex')
  const manifests = (await readManifests(context, 'nginx-bench.yaml')).map((one) =>
    withPage(one, page),
  )
  context.keep(await context.cluster.apply(pinned(manifests, b.name), context))
  const pod = await readyPod(context, serviceName, b.name)
  if (pod === undefined) throw new Error(`nginx cannot be measured: it is not ready on ${b.name}`)
  const address = `${pod.ip}:${podPort}`
  const own = await get(context, onNode(context, b.name), `http://${address}/`)
  if (own.kind !== 'http' || own.status !== 200 || own.bodySha256 !== bodySha256)
    throw new Error(
      `nginx cannot be measured: want the run's own page of ${address}, got ${describe(own)}`,
    )
  const clusterIp = await clusterIpOf(context, serviceName)
  const grounds = groundsOf(asked, context.signal)
  const { missing, uses, tried } = grounds
  await tried('l7', () => reachable(context, clusterIp, l7Port, bodySha256))
  await tried('l4', () => reachable(context, clusterIp, l4Port, bodySha256))
  const { clusterDns, clusterDomain } = context.cluster.topology
  const files = await payloads(context, grounds)
  const ours =
    uses.has('backend') && backendImage !== undefined
      ? await tried('backend', () => backend(context, backendImage))
      : undefined
  return {
    missing,
    ...(files !== undefined && { payloads: files }),
    ...(ours !== undefined && { backend: ours }),
    podIp: pod.ip,
    podPort,
    clusterIp,
    serviceName,
    namespace: namespaceOf(context),
    l7Port,
    l4Port,
    path: '/',
    bodySha256,
    dnsServer: clusterDns,
    clusterDomain,
  }
}

/** The files through each port that is asked of; absent where none is, or they could not be had at all. */
function payloads(context: ScenarioContext, grounds: Grounds): Promise<BenchFacts['payloads']> {
  return throughEither(
    grounds,
    async () => {
      const { service, ...rest } = await preparePayloads(context)
      return { ...rest, clusterIp: await clusterIpOf(context, service) }
    },
    async ({ clusterIp, files }, ground) => {
      const [largest] = files.toReversed()
      if (largest === undefined) throw new Error('there is no file')
      const port = ground === 'l4-payloads' ? l4Port : l7Port
      await reachable(context, clusterIp, port, largest.sha256, largest.path)
    },
  )
}

/** A backend of ours on the second edge node, behind a Service whose endpoints we write. */
async function backend(
  context: ScenarioContext,
  backendImage: () => Promise<string>,
): Promise<NonNullable<BenchFacts['backend']>> {
  const [a, b] = edgeNodes(context)
  const { cluster, signal } = context
  const name = 'mm-backend'
  const namespace = namespaceOf(context)
  const apply = async (manifests: readonly KubeObject[]): Promise<void> => {
    context.keep(await cluster.apply(manifests, { signal }))
  }
  const [pod] = await backendPods({ cluster, signal, apply, backendImage }, [name], b.name)
  if (pod === undefined) throw new Error('there is no backend')
  await apply([bareService(name, namespace), sliceOf(name, namespace, [pod])])
  const clusterIp = await clusterIpOf(context, name)
  const at = { node: a.name, network: 'container' } as const
  const { accepted, seen } = await eventually(
    () => get(context, at, `http://${clusterIp}:${backendServicePorts.http}/`),
    (observation) => observation.kind === 'http' && observation.status === 200,
    { withinMs: convergenceMs, signal },
  )
  if (!accepted)
    throw new Error(`${clusterIp} cannot be measured from ${a.name}: ${describe(seen)}`)
  return {
    pod: pod.name,
    podIp: pod.ip,
    clusterIp,
    ports: backendPorts,
    servicePorts: backendServicePorts,
  }
}

/** Bytes of the page that nginx itself brings, so that ours costs the same. */
const pageBytes = 615

/** Nobody else has this page: whoever answers with another one is no backend of this run. */
function ownPage(): string {
  const page = `<!DOCTYPE html>\n<title>meshmark</title>\n<p>The page of run ${randomUUID()}.</p>\n`
  return `${page.padEnd(pageBytes - 1)}\n`
}

function withPage(manifest: KubeObject, page: string): KubeObject {
  return manifest.kind === 'ConfigMap' && manifest.metadata.name === 'nginx-bench-page'
    ? { ...manifest, data: { 'index.html': page } }
    : manifest
}

/** Waits until a port of the Service carries the pod's page to where the load will stand. */
async function reachable(
  context: ScenarioContext,
  clusterIp: string,
  port: number,
  bodySha256: string,
  path = '/',
): Promise<void> {
  const [a] = edgeNodes(context)
  const at = { node: a.name, network: 'container' } as const
  const { accepted, seen } = await eventually(
    () => get(context, at, `http://${clusterIp}:${port}${path}`),
    (observation) => observation.kind === 'http' && observation.bodySha256 === bodySha256,
    { withinMs: convergenceMs, signal: context.signal },
  )
  if (!accepted)
    throw new Error(`${clusterIp}:${port} cannot be measured from ${a.name}: ${describe(seen)}`)
}
