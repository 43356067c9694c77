import type { Check, CheckContext, KubeObject, ResourceType } from '../../../harness/api.ts'
import { byHand, endpointsObject } from '../support/by-hand.ts'
import { backends } from '../l4/backends.fixture.ts'
import { deleteService, endpointOf, ownService, ownServiceObject } from '../l4/own-service.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { whoAnswers } from '../support/datagrams.ts'
import { type EndpointInit, endpointSlice, ports, type ServicePort } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { staysAlive } from './alive.ts'

const usual = {
  capabilities: ['node-access'],
  fixtures: [backends],
  timeoutMs: 240_000,
} as const satisfies Partial<Check>

const greeting: ServicePort = { name: 'tcp-0', port: 81, targetPort: ports.tcp }
const slicePort = [{ name: 'tcp-0', port: ports.tcp }]

const slices: ResourceType = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
}

/** Objects that are seldom met. */
export const objects: readonly Check[] = [
  {
    ...usual,
    requirement: 'ROB-API-001',
    sends:
      'TCP connections and datagrams from a pod, when there are Services without ports, with 100 ports, with one number for TCP, UDP and SCTP, with SCTP alone',
    expects:
      'the first and last of the 100 ports and the TCP and UDP ones of the shared number answer; the agents are the same processes',
    run: staysAlive(async ({ context, judgement, pods: [pod], answers }) => {
      await context.apply([
        ownServiceObject('portless', [], { clusterIP: 'None' }),
        ownServiceObject('sctp', [{ name: 's', port: 7, protocol: 'SCTP' }]),
        ...byHand('sctp', [endpointOf(pod)], [{ name: 's', port: 7, protocol: 'SCTP' }]),
      ])
      const many = Array.from({ length: 100 }, (_, index) => ({
        name: `p-${index}`,
        port: 1_000 + index,
        targetPort: ports.tcp,
      }))
      const hundred = await ownService(context, {
        name: 'hundred',
        ports: many,
        endpoints: [endpointOf(pod)],
      })
      const shared = await ownService(context, {
        name: 'shared',
        ports: [
          { name: 'tcp-0', port: 83, targetPort: ports.tcp },
          { name: 'udp-0', port: 83, targetPort: ports.udp, protocol: 'UDP' },
          { name: 'sctp-0', port: 83, targetPort: 7, protocol: 'SCTP' },
        ],
        endpoints: [endpointOf(pod)],
      })
      await answers('first of 100 ports', hundred.host, pod, 1_000)
      await answers('last of 100 ports', hundred.host, pod, 1_099)
      await answers('TCP of a shared number', shared.host, pod, 83)
      const udp = await whoAnswers(
        context,
        { at: inPod(context), host: shared.host, port: 83 },
        { timeoutMs: 3_000 },
      )
      judgement.set('UDP of a shared number', [pod.name], new Set(udp.pods))
      return 'no port, 100 ports, one number for three protocols, SCTP: the others are served'
    }),
  },
  {
    ...usual,
    requirement: 'ROB-API-002',
    sends:
      'TCP connections from a pod, when there are endpoints without nodeName, with IPv6 addresses beside IPv4 ones, and a Service with 1000 of them',
    expects:
      'those that this cluster can reach answer, and other Services; the agents are the same processes',
    run: staysAlive(async ({ context, pods: [pod], answers }) => {
      const nameless = await ownService(context, {
        name: 'nameless',
        ports: [greeting],
        endpoints: [{ addresses: [pod.ip] }],
      })
      const both = await ownService(context, {
        name: 'both',
        ports: [greeting],
        endpoints: [endpointOf(pod)],
      })
      await context.apply([
        endpointSlice('both', [{ addresses: ['2001:db8::7'], nodeName: pod.node }], slicePort, {
          suffix: 'six',
          addressType: 'IPv6',
        }),
      ])
      await ownService(context, {
        name: 'thousand',
        ports: [greeting],
        endpoints: Array.from({ length: 1_000 }, (_, index): EndpointInit => ({
          addresses: [`198.18.${index >> 8}.${index & 255}`],
        })),
      })
      await answers('without nodeName', nameless.host, pod)
      await answers('IPv4 beside IPv6', both.host, pod)
      return 'without nodeName, with IPv6 beside, 1000 endpoints: the others are served'
    }),
  },
  {
    ...usual,
    requirement: 'ROB-API-003',
    sends:
      'TCP connections from a pod to a Service with an unknown annotation, field, appProtocol and trafficDistribution, and with an EndpointSlice of address type FQDN beside',
    expects: 'it is answered by its endpoint; the agents are the same processes',
    run: staysAlive(async ({ context, pods: [pod], answers }) => {
      const strange = ownServiceObject(
        'strange',
        [{ ...greeting, appProtocol: 'example.com/never-heard-of' }],
        { trafficDistribution: 'PreferNobody', neverHeardOf: { deep: [1, null, 'x'] } },
      )
      const annotations = { 'example.com/never-heard-of': '{"a":[' }
      await applyLenient(context, {
        ...strange,
        metadata: { ...strange.metadata, annotations },
      })
      await context.apply([
        ...byHand('strange', [endpointOf(pod)], slicePort),
        endpointSlice('strange', [{ addresses: ['web.example.org'] }], slicePort, {
          suffix: 'fqdn',
          addressType: 'FQDN',
        }),
      ])
      await answers('strange', await clusterIpOf(context, context.namespace, 'strange'), pod)
      return 'what it does not know leaves the Service as it is'
    }),
  },
  {
    ...usual,
    requirement: 'ROB-API-004',
    sends:
      'TCP connections from a pod to a Service whose EndpointSlice was there first, which then goes before its slice, and comes back with another endpoint; meanwhile Services and slices are made and deleted at once',
    expects: 'each time the endpoint that the API names answers; the agents are the same processes',
    run: staysAlive(async ({ context, pods: [pod, other], answers }) => {
      const slice = (endpoint: EndpointInit): KubeObject =>
        endpointSlice('late', [endpoint], slicePort)
      await context.apply([slice(endpointOf(pod))])
      await context.apply([
        ownServiceObject('late', [greeting]),
        endpointsObject('late', [{ endpoints: [endpointOf(pod)], ports: slicePort }]),
      ])
      const host = (): Promise<string> => clusterIpOf(context, context.namespace, 'late')
      await answers('a slice before its Service', await host(), pod)
      await deleteService(context, 'late')
      await comeAndGo(context)
      await context.cluster.kube.delete(
        slices,
        { namespace: context.namespace, name: 'late-a' },
        context,
      )
      await context.apply([
        slice(endpointOf(other)),
        ownServiceObject('late', [greeting]),
        endpointsObject('late', [{ endpoints: [endpointOf(other)], ports: slicePort }]),
      ])
      await answers('made again', await host(), other)
      return 'slices before Services, Services before slices, 20 that came and went: the end is right'
    }),
  },
]

/** An API server may refuse or drop what it does not know; then it is applied without. */
async function applyLenient(context: CheckContext, object: KubeObject): Promise<void> {
  try {
    await context.apply([object])
  } catch (error) {
    context.evidence('manifest', 'refused', `${String(error)}\n${JSON.stringify(object)}`)
    const {
      trafficDistribution: _t,
      neverHeardOf: _n,
      ...spec
    } = object['spec'] as Record<string, unknown>
    await context.apply([{ ...object, spec }])
  }
}

/** Services and slices that are deleted before anybody can have taken them in. */
async function comeAndGo(context: CheckContext): Promise<void> {
  const { kube } = context.cluster
  for (let index = 0; index < 20; index += 1) {
    const name = `gone-${index}`
    await context.apply([
      endpointSlice(name, [{ addresses: ['198.18.0.1'] }], slicePort),
      ownServiceObject(name, [greeting]),
    ])
    await kube.delete(slices, { namespace: context.namespace, name: `${name}-a` }, context)
    await deleteService(context, name)
  }
}
