import type {
  ClusterNode,
  KubeObject,
  Observation,
  Position,
  ScenarioContext,
} from '../../harness/api.ts'

/** How long a change may take to reach every client; Kubernetes' own e2e allows 30 s (KubeProxyEndpointLagTimeout). */
export const convergenceMs = 30_000

/** The first two edge nodes: the tutorial's a (client) and b (where nginx runs). */
export function edgeNodes(
  context: Pick<ScenarioContext, 'cluster'>,
): readonly [ClusterNode, ClusterNode] {
  const [a, b] = context.cluster.nodes.filter((node) => node.role === 'edge')
  if (a === undefined || b === undefined)
    throw new Error('the walkthrough needs two edge nodes; this cluster has fewer')
  return [a, b]
}

export function fact(context: ScenarioContext, name: string): string {
  const value = context.facts.get(name)
  if (value === undefined) throw new Error(`an earlier step did not find out ${name}`)
  return value
}

/** On the node itself where the cluster lets us stand there, in a pod of it elsewhere. */
export function onNode({ cluster }: ScenarioContext, node: string): Position {
  return { node, network: cluster.capabilities.has('node-access') ? 'host' : 'container' }
}

export function describePosition({ node, network }: Position): string {
  return network === 'host' ? `${node}, host network` : `${node}, in a pod`
}

/** An observation in one line, as a person would tell it. */
export function describe(observation: Observation): string {
  switch (observation.kind) {
    case 'http':
      return `HTTP ${observation.status}, ${observation.bodyBytes} bytes, sha256 ${observation.bodySha256.slice(0, 12)}…`
    case 'resolved':
      return observation.addresses.join(' ')
    case 'dns':
      return `${observation.rcode} ${observation.answers.map((answer) => `${answer.type} ${answer.data}`).join(', ')}`
    case 'tcp':
    case 'udp':
      return observation.received
    case 'exited':
      return `exit code ${String(observation.code)}\n${observation.stdout}${observation.stderr}`
    case 'packets':
      return `${observation.received.length} datagrams, ${observation.failures.length} failures`
    case 'volley':
      return observation.answers.map(({ answer, count }) => `${count} x ${answer}`).join(', ')
    default:
      return `${observation.kind}: ${observation.detail}`
  }
}

/** One GET at a position, on a connection of its own. */
export async function get(
  context: ScenarioContext,
  at: Position,
  url: string,
): Promise<Observation> {
  const probe = await context.probe(at)
  return probe.run({ kind: 'http', url, timeoutMs: 5_000 }, context)
}

/** Whether names at this position are asked of the cluster's DNS by hand: see getByClusterDns. */
export function asksByHand({ features }: ScenarioContext, { network }: Position): boolean {
  return network === 'host' && !features.has('node-dns')
}

/**
 * One GET whose host name the cluster's DNS resolves, as it does for pods on the host network with the DNS policy
 * ClusterFirstWithHostNet: a node's own resolv.conf does not name it unless the target says so (`node-dns`).
 */
export async function getByClusterDns(
  context: ScenarioContext,
  at: Position,
  url: string,
): Promise<Observation> {
  const probe = await context.probe(at)
  const { hostname, host, port, pathname } = new URL(url)
  const server = { address: context.cluster.topology.clusterDns, port: 53 }
  const answer = await probe.run(
    { kind: 'dns', server, name: hostname, type: 'A', transport: 'udp', timeoutMs: 5_000 },
    context,
  )
  const address =
    answer.kind === 'dns' ? answer.answers.find(({ type }) => type === 'A')?.data : undefined
  if (address === undefined) return answer
  const direct = `http://${address}:${port}${pathname}`
  return probe.run(
    { kind: 'http', url: direct, headers: [['Host', host]], timeoutMs: 5_000 },
    context,
  )
}

/** Narrows a part of a Kubernetes object to what the caller knows of it. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- why: the one place where JSON gets its type
export function part<T>(object: KubeObject, field: 'spec' | 'status' | 'subsets'): T {
  return (object[field] ?? {}) as T
}
