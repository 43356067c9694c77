import type { Check } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { endpointOf, type OwnService, ownService } from '../l4/own-service.ts'
import { ports } from '../support/objects.ts'
import { staysAlive } from './alive.ts'

const serviceCount = 50
const changesOfEach = 200

/** Services that change at the same time; the changes of one come one after the other. */
const atOnce = 25

export const flood: readonly Check[] = [
  {
    requirement: 'ROB-API-005',
    sends:
      '10 000 changes of the EndpointSlices of 50 Services as fast as the API takes them; then TCP connections from a pod to each of them',
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
      const left = [...services]
      const worker = async (): Promise<void> => {
        for (let one = left.shift(); one !== undefined; one = left.shift())
          for (let change = 1; change <= changesOfEach; change += 1)
            // why: the last state is one that was not met before
            await one.setEndpoints([
              endpointOf(change === changesOfEach ? pods[2] : pods[change % 2 === 0 ? 0 : 1]),
            ])
      }
      await Promise.all(Array.from({ length: atOnce }, worker))
      const tookMs = performance.now() - startedAt
      for (const { name, host } of services) if (!(await answers(name, host, pods[2])).ok) break
      return `${serviceCount * changesOfEach} changes in ${(tookMs / 1_000).toFixed(1)} s`
    }),
  },
]
