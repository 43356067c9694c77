import type { PathCounters, ScenarioContext, Step, StepJudgement } from '../../harness/api.ts'
import { eventually } from '../eventually.ts'
import { readManifests } from '../manifests.ts'
import { convergenceMs, describe, edgeNodes, get } from './facts.ts'
import { pageThroughService, serviceUrl } from './service.ts'

/** Requests per path proof: enough that a stray connection of someone else cannot explain the count. */
const proofRequests = 10

/** "First HTTP port should be named http-0 and the second one should be called http-1." */
export const ports: readonly Step[] = [
  {
    id: 'second-http-port',
    title: 'A second HTTP port, named http-1, answers too',
    command: 'kubectl apply -f scenarios/manifests/nginx-svc-ports.yaml',
    run: secondHttpPort,
  },
  {
    id: 'http-port-is-l7',
    title: 'A port named http-0 goes the L7 way: the proxy counts every request',
    command: `for i in $(seq ${proofRequests}); do curl http://nginx-svc.default.svc.cluster.local:12345; done`,
    needs: ['path-metrics', 'l7-proxy'],
    capabilities: ['node-access'],
    run: (context) => proveWay(context, 12_345, 'l7'),
  },
  {
    id: 'other-port-is-l4',
    title: 'A port not named http goes the L4 way: the proxy sees no request',
    command: `for i in $(seq ${proofRequests}); do curl http://nginx-svc.default.svc.cluster.local:12347; done`,
    needs: ['path-metrics'],
    capabilities: ['node-access'],
    run: (context) => proveWay(context, 12_347, 'l4'),
  },
]

async function secondHttpPort(context: ScenarioContext): Promise<StepJudgement> {
  context.keep(
    await context.cluster.apply(await readManifests(context, 'nginx-svc-ports.yaml'), context),
  )
  const [a] = edgeNodes(context)
  return pageThroughService(context, { node: a.name, network: 'container' }, 12_346)
}

async function proveWay(
  context: ScenarioContext,
  port: number,
  way: 'l4' | 'l7',
): Promise<StepJudgement> {
  const [a] = edgeNodes(context)
  const at = { node: a.name, network: 'container' } as const
  const reachable = await pageThroughService(context, at, port)
  if (reachable.kind !== 'passed') return reachable
  const before = await counters(context, a.name)
  for (let sent = 0; sent < proofRequests; sent += 1) {
    const observation = await get(context, at, serviceUrl(context, port))
    if (observation.kind !== 'http' || observation.status !== 200)
      return { kind: 'failed', expected: 'HTTP 200 each time', seen: describe(observation) }
  }
  const wanted = (grown: PathCounters): boolean =>
    way === 'l7'
      ? grown.l7Requests === proofRequests
      : grown.l7Requests === 0 && grown.l4Connections >= proofRequests
  const { accepted, seen } = await eventually(
    async () => growth(before, await counters(context, a.name)),
    wanted,
    { withinMs: convergenceMs / 10, signal: context.signal },
  )
  return {
    kind: accepted ? 'passed' : 'failed',
    expected:
      way === 'l7'
        ? `${proofRequests} more requests counted by the proxy of ${a.name}`
        : `no more requests counted by the proxy of ${a.name}, at least ${proofRequests} more connections by its L4 path`,
    seen: `${seen.l7Requests} more L7 requests, ${seen.l4Connections} more L4 connections`,
  }
}

async function counters(context: ScenarioContext, node: string): Promise<PathCounters> {
  if (context.target.paths === undefined)
    throw new Error('the target claims the feature path-metrics but offers no counters')
  return context.target.paths(node, context)
}

function growth(before: PathCounters, after: PathCounters): PathCounters {
  return {
    l4Connections: after.l4Connections - before.l4Connections,
    l7Requests: after.l7Requests - before.l7Requests,
  }
}
