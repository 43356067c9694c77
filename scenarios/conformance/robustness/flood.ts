import type { Check } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { endpointOf, type OwnService, ownService } from '../l4/own-service.ts'
import { ports } from '../support/objects.ts'
import { staysAlive } from './alive.ts'

const serviceCount = 50
const events = 10_000

/** Requests to the API at the same time. */
const atOnce = 25

/** Some of the Services are asked in the end. */
const asked = 10

export const flood: readonly Check[] = [
  {
    requirement: 'ROB-API-005',
    sends:
      '10 000 changes of the EndpointSlices of 50 Services as fast as the API takes them; then TCP connections from a pod to every fifth Service',
    expects: 'the endpoint that the last change named answers; the agents are the same processes',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 900_000,
    run: staysAlive(async ({ context, pods, answers }) => {
      const services: OwnService[] = []
      for (let index = 0; index < serviceCount; index += 1)
        services.push(
          await ownService(context, {
            name: `flood-${index}`,
            ports: [{ name: 'tcp-0', port: 81, targetPort: ports.tcp }],
            endpoints: [endpointOf(pods[0])],
          }),
        )
      const startedAt = performance.now()
      const last = new Map<number, number>()
      let next = 0
      const worker = async (): Promise<void> => {
        for (let event = next++; event < events; event = next++) {
          // why: the changes of one Service stay in order, each worker has its own Services
          const service = event % serviceCount
          const pod = (last.get(service) ?? 0) === 1 ? 2 : 1
          last.set(service, pod)
          await services[service]?.setEndpoints([endpointOf(pods[pod] ?? pods[0])])
        }
      }
      await Promise.all(Array.from({ length: atOnce }, worker))
      const tookMs = performance.now() - startedAt
      for (let index = 0; index < serviceCount; index += serviceCount / asked) {
        const service = services[index]
        // why: the order of two changes of one Service that were under way at once is the API's; this one is ours
        await service?.setEndpoints([endpointOf(pods[index % 2 === 0 ? 0 : 1])])
        await answers(`Service ${index}`, service?.host ?? '', pods[index % 2 === 0 ? 0 : 1])
      }
      return `${events} changes in ${(tookMs / 1_000).toFixed(1)} s`
    }),
  },
]
