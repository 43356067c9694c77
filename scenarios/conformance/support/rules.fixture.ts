import {
  ClusterError,
  type Fixture,
  type FixtureContext,
  type FixtureScene,
  type KubeObject,
} from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf, podsOf } from './cluster-facts.ts'
import { podOf } from './connect.ts'
import {
  byHeader,
  defineDestinationRules,
  destinationRule,
  hashedHeader,
} from './destination-rules.ts'
import { backendPod, everyPort, ports, service } from './objects.ts'

/** Backends of the fixture. */
const pods = 6

/** How long they may take to be Ready. */
const readyMs = 90_000

/** How long a target may take to look again for definitions that it missed when it started. */
const followedMs = 60_000

/** Requests with one header value that show a hash: by chance one backend of three gets all once in 10^5 times. */
const sameValue = 12

/**
 * Labels of a pod; a Service that selects `first-3: "yes"` has `web-0` to `web-2` as endpoints, one that selects
 * `without-1: "yes"` as well has `web-0` and `web-2`.
 */
function labelsOf(index: number, count: number): Readonly<Record<string, string>> {
  const sizes = Array.from({ length: count }, (_, at) => at + 1).filter((size) => index < size)
  const others = Array.from({ length: count }, (_, at) => at).filter((other) => other !== index)
  return Object.fromEntries([
    ...sizes.map((size) => [`first-${size}`, 'yes'] as const),
    ...others.map((other) => [`without-${other}`, 'yes'] as const),
  ])
}

/** Backends `web-0`, `web-1` ... on the first two nodes in turn, with labels by which a Service selects the first so many. */
export function sizedBackends(
  { nodes, backendImage }: Pick<FixtureScene, 'nodes' | 'backendImage'>,
  count: number,
): readonly KubeObject[] {
  return names(count).map((name, index) =>
    backendPod({
      name,
      image: backendImage,
      labels: labelsOf(index, count),
      node: nodes[index % Math.min(nodes.length, 2)]?.name ?? '',
      ...(index === 0 && {
        container: { ports: [{ name: 'second', containerPort: ports.http }] },
      }),
    }),
  )
}

/** Selects the first so many backends, 1 to as many as there are, without some of them. */
export function first(
  count: number,
  without: readonly number[] = [],
): { readonly selector: Readonly<Record<string, string>> } {
  const left = without.map((index) => [`without-${index}`, 'yes'] as const)
  return { selector: { [`first-${count}`]: 'yes', ...Object.fromEntries(left) } }
}

/** Names of the first so many backends. */
export function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `web-${index}`)
}

/**
 * Six backends on two nodes and DestinationRules over the first three: `plain` has none, `by-header` hashes a header, on
 * both of its HTTP ports (the second, 86, has `web-0` alone as endpoint), `at-random` is RANDOM. It is ready when the
 * target shows that it follows rules; one that does not in a minute is left to the checks.
 */
export const rules: Fixture = {
  id: 'lb-rules',
  manifests: (scene) => [
    ...sizedBackends(scene, pods),
    service('plain', everyPort, first(3)),
    service('at-random', everyPort, first(3)),
    service(
      'by-header',
      [
        { name: 'http-0', port: 80, targetPort: ports.http },
        { name: 'http-1', port: 86, targetPort: 'second' },
      ],
      first(3),
    ),
  ],
  ready: async (context) => {
    await podsReady(context, context.namespace, pods)
    await defineDestinationRules(context)
    await context.cluster.apply(
      [
        destinationRule('by-header', byHeader, context),
        destinationRule('at-random', { simple: 'RANDOM' }, context),
      ],
      context,
    )
    await untilFollowed(context)
  },
}

/**
 * Waits until so many pods of a namespace are Ready.
 * @throws ClusterError when they are not in time: trouble of the harness
 */
export async function podsReady(
  context: Pick<FixtureContext, 'cluster' | 'signal'>,
  namespace: string,
  count: number,
): Promise<void> {
  const { accepted, seen } = await eventually(
    () => podsOf(context, namespace),
    (all) => all.filter(({ ready }) => ready).length === count,
    { withinMs: readyMs, everyMs: 100, signal: context.signal },
  )
  if (!accepted)
    throw new ClusterError(
      'not-ready',
      `of ${count} pods of ${namespace} Ready after ${readyMs / 1_000} s: ${seen.map(({ name, ready }) => `${name} ${ready}`).join(', ')}`,
    )
}

async function untilFollowed(context: FixtureContext): Promise<void> {
  const { namespace, nodes, signal } = context
  const host = await clusterIpOf(context, namespace, 'by-header')
  const probe = await context.probe({ node: nodes[0]?.name ?? '', network: 'container' })
  const answering = async (value: string, connections: number): Promise<readonly string[]> => {
    const job = { host, port: 80, connections, concurrency: 4, timeoutMs: 30_000 }
    const http = [{ path: '/', headers: [[hashedHeader, value] as const] }]
    const seen = await probe.run(
      { ...job, kind: 'volley', http, connectionTimeoutMs: 2_000 },
      { signal },
    )
    if (seen.kind !== 'volley' || Object.keys(seen.failures).length > 0) return []
    return seen.answers.map(({ answer }) => podOf(answer))
  }
  await eventually(
    async () => {
      if (new Set(await answering('followed', sameValue)).size !== 1) return false
      const others = new Set<string>()
      // why: as long as one endpoint is all that is known, it answers every value without any rule
      for (let other = 0; other < sameValue && others.size < 2; other += 1)
        for (const pod of await answering(`other-${other}`, 1)) others.add(pod)
      return others.size > 1
    },
    (isFollowed) => isFollowed,
    { withinMs: followedMs, everyMs: 250, signal },
  )
}
