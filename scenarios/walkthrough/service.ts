import type {
  KubeObject,
  Position,
  ScenarioContext,
  Step,
  StepJudgement,
} from '../../harness/api.ts'
import { eventually } from '../eventually.ts'
import { tableText } from '../kubectl-text.ts'
import { namespaceOf, readManifests } from '../manifests.ts'
import {
  asksByHand,
  convergenceMs,
  describe,
  describePosition,
  edgeNodes,
  fact,
  get,
  getByClusterDns,
  part,
} from './facts.ts'

/** "Then create a service for it", "Check the service and endpoints", "To request a server, use url like this". */
export const service: readonly Step[] = [
  {
    id: 'create-service',
    title: 'The Service nginx-svc is created (12345 to 80, port name http-0)',
    command: 'kubectl apply -f scenarios/manifests/nginx-svc.yaml',
    run: createService,
  },
  {
    id: 'service-listed',
    title: 'The Service has a ClusterIP',
    command: 'kubectl get service',
    run: serviceListed,
  },
  {
    id: 'endpoints-listed',
    title: "The Endpoints name the pod's address",
    command: 'kubectl get endpoints',
    run: endpointsListed,
  },
  nameStep('a-host', 0, 'host'),
  nameStep('a-pod', 0, 'container'),
  nameStep('b-host', 1, 'host'),
  nameStep('b-pod', 1, 'container'),
]

export function serviceUrl(context: ScenarioContext, port: number): string {
  return `http://nginx-svc.${namespaceOf(context)}.svc.${context.cluster.topology.clusterDomain}:${port}/`
}

/** Asks for the page through the Service until it is the pod's page, byte for byte, or the bound has passed. */
export async function pageThroughService(
  context: ScenarioContext,
  at: Position,
  port: number,
): Promise<StepJudgement> {
  const url = serviceUrl(context, port)
  const sha256 = fact(context, 'page-sha256')
  const byHand = asksByHand(context, at)
  const ask = byHand ? getByClusterDns : get
  const { accepted, seen, tookMs } = await eventually(
    () => ask(context, at, url),
    (observation) =>
      observation.kind === 'http' &&
      observation.status === 200 &&
      observation.bodySha256 === sha256,
    { withinMs: convergenceMs, signal: context.signal },
  )
  return {
    kind: accepted ? 'passed' : 'failed',
    command: `curl ${url.slice(0, -1)}`,
    expected: `HTTP 200, the pod's page byte for byte (sha256 ${sha256.slice(0, 12)}…) at ${describePosition(at)}${byHand ? `, the name asked of ${context.cluster.topology.clusterDns}` : ''}`,
    seen: `${describe(seen)}${accepted ? '' : `, still so after ${Math.round(tookMs)} ms`}`,
  }
}

function nameStep(id: string, edge: 0 | 1, network: Position['network']): Step {
  const where =
    network === 'host' ? 'on the node itself (host network)' : 'in a pod (container network)'
  return {
    id: `name-${id}`,
    title: `The Service answers by name on edge node ${edge === 0 ? 'a' : 'b'}, ${where}`,
    command: 'curl http://nginx-svc.default.svc.cluster.local:12345',
    ...(network === 'host' && { capabilities: ['node-access' as const] }),
    run: (context) =>
      pageThroughService(context, { node: edgeNodes(context)[edge].name, network }, 12_345),
  }
}

async function createService(context: ScenarioContext): Promise<StepJudgement> {
  context.keep(await context.cluster.apply(await readManifests(context, 'nginx-svc.yaml'), context))
  return {
    kind: 'passed',
    expected: 'service/nginx-svc created',
    seen: 'service/nginx-svc created',
  }
}

async function serviceListed(context: ScenarioContext): Promise<StepJudgement> {
  const { kube } = context.cluster
  const services = await kube.typeOf({ apiVersion: 'v1', kind: 'Service' }, context)
  const found = await kube.get(
    services,
    { namespace: namespaceOf(context), name: 'nginx-svc' },
    context,
  )
  const clusterIp =
    found === undefined ? '' : (part<{ clusterIP?: string }>(found, 'spec').clusterIP ?? '')
  context.facts.set('cluster-ip', clusterIp)
  return {
    kind: /^\d+\.\d+\.\d+\.\d+$/.test(clusterIp) ? 'passed' : 'failed',
    expected: 'nginx-svc, ClusterIP, 12345/TCP',
    seen: tableText(
      await kube.table(services, { namespace: namespaceOf(context), signal: context.signal }),
    ),
  }
}

async function endpointsListed(context: ScenarioContext): Promise<StepJudgement> {
  const { kube } = context.cluster
  const endpoints = await kube.typeOf({ apiVersion: 'v1', kind: 'Endpoints' }, context)
  const wanted = `${fact(context, 'pod-ip')}:80`
  const { accepted, seen } = await eventually(
    async () =>
      addresses(
        await kube.get(endpoints, { namespace: namespaceOf(context), name: 'nginx-svc' }, context),
      ),
    (found) => found.includes(wanted),
    { withinMs: convergenceMs, signal: context.signal },
  )
  const table = await kube.table(endpoints, {
    namespace: namespaceOf(context),
    signal: context.signal,
  })
  return {
    kind: accepted && seen.length === 1 ? 'passed' : 'failed',
    expected: `nginx-svc with ${wanted} and nothing else`,
    seen: tableText(table),
  }
}

interface Subset {
  readonly addresses?: readonly { readonly ip: string }[]
  readonly ports?: readonly { readonly port: number }[]
}

function addresses(object: KubeObject | undefined): readonly string[] {
  if (object === undefined) return []
  const subsets = part<readonly Subset[]>(object, 'subsets')
  return (Array.isArray(subsets) ? (subsets as readonly Subset[]) : []).flatMap((subset) =>
    (subset.addresses ?? []).flatMap(({ ip }) =>
      (subset.ports ?? []).map(({ port }) => `${ip}:${port}`),
    ),
  )
}
