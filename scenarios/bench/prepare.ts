import type { BenchFacts, KubeObject, ScenarioContext } from '../../harness/api.ts'
import { eventually } from '../eventually.ts'
import { readManifests } from '../manifests.ts'
import { convergenceMs, describe, edgeNodes, fact, get, part } from '../walkthrough/facts.ts'
import { sampleNginx } from '../walkthrough/sample-nginx.ts'

/** Name of the Service that the benchmark talks to; it stays while the walkthrough's own comes and goes. */
const serviceName = 'nginx-bench'
const l7Port = 12_345
const l4Port = 12_347

/** Sets up the sample nginx on edge-node-b behind one Service, and finds out what the questions need to know. */
export async function prepareBench(context: ScenarioContext): Promise<BenchFacts> {
  for (const step of sampleNginx) {
    const judgement = await step.run(context)
    if (judgement.kind === 'failed')
      throw new Error(`the sample nginx cannot be measured: ${step.title}: saw ${judgement.seen}`)
  }
  const [manifest] = await readManifests('nginx-svc-ports.yaml')
  if (manifest === undefined) throw new Error('scenarios/manifests/nginx-svc-ports.yaml is empty')
  const renamed = { ...manifest, metadata: { ...manifest.metadata, name: serviceName } }
  context.keep(await context.cluster.apply([renamed], context))
  const clusterIp = await clusterIpOf(context, renamed)
  await reachable(context, clusterIp)
  const { clusterDns, clusterDomain } = context.cluster.topology
  return {
    podIp: fact(context, 'pod-ip'),
    clusterIp,
    serviceName,
    l7Port,
    l4Port,
    path: '/',
    bodySha256: fact(context, 'page-sha256'),
    dnsServer: clusterDns,
    clusterDomain,
  }
}

async function clusterIpOf(context: ScenarioContext, manifest: KubeObject): Promise<string> {
  const { kube } = context.cluster
  const found = await kube.get(
    await kube.typeOf(manifest, context),
    { namespace: 'default', name: serviceName },
    context,
  )
  const clusterIp =
    found === undefined ? undefined : part<{ clusterIP?: string }>(found, 'spec').clusterIP
  if (clusterIp === undefined) throw new Error(`the Service ${serviceName} has no ClusterIP`)
  return clusterIp
}

/** Waits until both ports carry the pod's page to where the load will stand. */
async function reachable(context: ScenarioContext, clusterIp: string): Promise<void> {
  const [a] = edgeNodes(context)
  const at = { node: a.name, network: 'container' } as const
  for (const port of [l7Port, l4Port]) {
    const { accepted, seen } = await eventually(
      () => get(context, at, `http://${clusterIp}:${port}/`),
      (observation) =>
        observation.kind === 'http' && observation.bodySha256 === fact(context, 'page-sha256'),
      { withinMs: convergenceMs, signal: context.signal },
    )
    if (!accepted)
      throw new Error(`${clusterIp}:${port} cannot be measured from ${a.name}: ${describe(seen)}`)
  }
}
