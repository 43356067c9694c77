import { randomUUID } from 'node:crypto'
import type { BenchFacts, KubeObject, ScenarioContext } from '../../harness/api.ts'
import { eventually } from '../eventually.ts'
import { namespaceOf, readManifests } from '../manifests.ts'
import { readyPod, pinned } from '../pods.ts'
import { convergenceMs, describe, edgeNodes, get, onNode, part } from '../walkthrough/facts.ts'

/** Name of the Service that the benchmark talks to; it stays while the walkthrough's own comes and goes. */
const serviceName = 'nginx-bench'
const l7Port = 12_345
const l4Port = 12_347

/** Sets up nginx on the second edge node behind one Service, and finds out what the questions need to know. */
export async function prepareBench(context: ScenarioContext): Promise<BenchFacts> {
  const [, b] = edgeNodes(context)
  const manifests = (await readManifests(context, 'nginx-bench.yaml')).map(withOwnPage)
  context.keep(await context.cluster.apply(pinned(manifests, b.name), context))
  const pod = await readyPod(context, serviceName, b.name)
  if (pod === undefined) throw new Error(`nginx cannot be measured: it is not ready on ${b.name}`)
  const page = await get(context, onNode(context, b.name), `http://${pod.ip}/`)
  if (page.kind !== 'http' || page.status !== 200)
    throw new Error(`nginx cannot be measured: ${describe(page)}`)
  const clusterIp = await clusterIpOf(context)
  await reachable(context, clusterIp, page.bodySha256)
  const { clusterDns, clusterDomain } = context.cluster.topology
  return {
    podIp: pod.ip,
    clusterIp,
    serviceName,
    namespace: namespaceOf(context),
    l7Port,
    l4Port,
    path: '/',
    bodySha256: page.bodySha256,
    dnsServer: clusterDns,
    clusterDomain,
  }
}

/** Bytes of the page that nginx itself brings, so that ours costs the same. */
const pageBytes = 615

/** Nobody else has this page: whoever answers with another one is no backend of this run. */
function withOwnPage(manifest: KubeObject): KubeObject {
  if (manifest.kind !== 'ConfigMap' || manifest.metadata.name !== 'nginx-bench-page')
    return manifest
  const page = `<!DOCTYPE html>\n<title>meshmark</title>\n<p>The page of run ${randomUUID()}.</p>\n`
  return { ...manifest, data: { 'index.html': `${page.padEnd(pageBytes - 1)}\n` } }
}

async function clusterIpOf(context: ScenarioContext): Promise<string> {
  const { kube } = context.cluster
  const found = await kube.get(
    await kube.typeOf({ apiVersion: 'v1', kind: 'Service' }, context),
    { namespace: namespaceOf(context), name: serviceName },
    context,
  )
  const clusterIp =
    found === undefined ? undefined : part<{ clusterIP?: string }>(found, 'spec').clusterIP
  if (clusterIp === undefined) throw new Error(`the Service ${serviceName} has no ClusterIP`)
  return clusterIp
}

/** Waits until both ports carry the pod's page to where the load will stand. */
async function reachable(
  context: ScenarioContext,
  clusterIp: string,
  bodySha256: string,
): Promise<void> {
  const [a] = edgeNodes(context)
  const at = { node: a.name, network: 'container' } as const
  for (const port of [l7Port, l4Port]) {
    const { accepted, seen } = await eventually(
      () => get(context, at, `http://${clusterIp}:${port}/`),
      (observation) => observation.kind === 'http' && observation.bodySha256 === bodySha256,
      { withinMs: convergenceMs, signal: context.signal },
    )
    if (!accepted)
      throw new Error(`${clusterIp}:${port} cannot be measured from ${a.name}: ${describe(seen)}`)
  }
}
