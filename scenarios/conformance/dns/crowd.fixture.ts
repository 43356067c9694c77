import type { CheckContext, Fixture } from '../../../harness/api.ts'
import { byHand } from '../support/by-hand.ts'
import { askUntil, dataOf, serviceName } from '../support/dns.ts'
import { service } from '../support/objects.ts'

/** Endpoints of each headless Service: few fit everywhere, fifty not into 512 bytes, a hundred not into 1232. */
export const crowds = { few: 4, fifty: 50, hundred: 100 } as const

export type Crowd = keyof typeof crowds

/** Headless Services with many hand-made endpoints: answers that are large. */
export const crowd: Fixture = {
  id: 'dns-crowd',
  manifests: () =>
    Object.entries(crowds).flatMap(([name, size], index) => [
      service(name, [{ name: 'web', port: 80 }], { clusterIP: 'None', selector: undefined }),
      ...byHand(
        name,
        addresses(index, size).map((address) => ({ addresses: [address] })),
        [{ name: 'web', port: 8080 }],
      ),
    ]),
}

/** Addresses that nothing answers at. */
export function addressesOf(name: Crowd): readonly string[] {
  return addresses(Object.keys(crowds).indexOf(name), crowds[name])
}

export function crowdName(context: CheckContext, name: Crowd): string {
  return serviceName(context, name, context.fixture(crowd))
}

/** Waits until the target lists every endpoint, over TCP; what it says when the time is up is judged by the check. */
export async function untilCrowded(context: CheckContext, name: Crowd): Promise<void> {
  await askUntil(
    context,
    { name: crowdName(context, name), transport: 'tcp' },
    (seen) => dataOf(seen, 'A').length === crowds[name],
    context.threshold('convergenceMs'),
  )
}

function addresses(index: number, size: number): readonly string[] {
  return Array.from({ length: size }, (_, host) => `10.9.${index}.${host + 1}`)
}
