import type { CheckContext, KubeObject } from '../../../harness/api.ts'
import { byHand } from '../support/by-hand.ts'
import { clusterIpOf, type PodFacts, podsOf } from '../support/cluster-facts.ts'
import { type EndpointInit, everyPort, service, type ServicePort } from '../support/objects.ts'
import { backendNames, backends } from './backends.fixture.ts'

/** A Service of the check's own whose endpoints are written by hand: backends of the fixture, which nobody changes. */
export interface OwnService {
  readonly name: string
  /** Its ClusterIP. */
  readonly host: string
  /** Replaces its endpoints; the time until the data path follows is the target's. */
  setEndpoints(endpoints: readonly EndpointInit[]): Promise<void>
}

export interface OwnServiceInit {
  readonly name?: string
  /** Each with the port of the backend as its targetPort; every way to speak unless told. */
  readonly ports?: readonly ServicePort[]
  /** More of its spec: sessionAffinity ... */
  readonly spec?: Readonly<Record<string, unknown>>
  readonly endpoints: readonly EndpointInit[]
}

/** Makes the Service and its endpoints at once; there is no selector, so nobody else writes them. */
export async function ownService(
  context: CheckContext,
  { name = 'own', ports = everyPort, spec, endpoints }: OwnServiceInit,
): Promise<OwnService> {
  const written = (members: readonly EndpointInit[]): readonly KubeObject[] =>
    byHand(name, members, slicePorts(ports))
  await context.apply([ownServiceObject(name, ports, spec), ...written(endpoints)])
  return {
    name,
    host: await clusterIpOf(context, context.namespace, name),
    setEndpoints: async (members) => {
      await context.apply(written(members))
    },
  }
}

/** A Service without selector. */
export function ownServiceObject(
  name: string,
  ports: readonly ServicePort[],
  spec: Readonly<Record<string, unknown>> = {},
): KubeObject {
  return service(name, ports, { selector: undefined, ...spec })
}

function slicePorts(
  ports: readonly ServicePort[],
): readonly { name: string; port: number; protocol: string }[] {
  return ports.map(({ name = '', port, targetPort = port, protocol = 'TCP' }) => ({
    name,
    port: Number(targetPort),
    protocol,
  }))
}

/** The backends of the fixture, `web-0` first. @throws Error when one is missing: trouble of the harness */
export async function fixturePods(
  context: CheckContext,
): Promise<readonly [PodFacts, PodFacts, PodFacts]> {
  const [first, second, third] = await podsOf(context, context.fixture(backends), 'app=web')
  if (first === undefined || second === undefined || third === undefined)
    throw new Error(`the fixture has not its pods ${backendNames.join(', ')}`)
  return [first, second, third]
}

/** A pod as a ready endpoint; `more` says otherwise. */
export function endpointOf(pod: PodFacts, more: Partial<EndpointInit> = {}): EndpointInit {
  return { addresses: [pod.ip], nodeName: pod.node, ...more }
}

/** Conditions of an endpoint on its way out that still serves. */
export const terminating = { ready: false, serving: true, terminating: true } as const

/** Conditions of an endpoint that is not ready. */
export const unready = { ready: false, serving: false, terminating: false } as const

const serviceType = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
} as const

/** Merges a patch into a Service of the check's own. */
export async function patchService(
  context: CheckContext,
  name: string,
  patch: unknown,
): Promise<KubeObject> {
  const { cluster, namespace, signal } = context
  return cluster.kube.patch(serviceType, { namespace, name }, patch, { type: 'merge', signal })
}

export async function deleteService(context: CheckContext, name: string): Promise<void> {
  const { cluster, namespace, signal } = context
  await cluster.kube.delete(serviceType, { namespace, name }, { signal })
}
