import type { CheckContext, Fixture, KubeObject } from '../../../harness/api.ts'
import { byHand } from '../support/by-hand.ts'
import { serviceName } from '../support/dns.ts'
import type { Judgement } from '../support/judgement.ts'
import { service } from '../support/objects.ts'
import { expectRecords } from './expect.ts'

const name = 'newest'
const address = '10.211.255.254'

/**
 * A headless Service and its endpoints that a fixture makes last: a target that knows them has seen everything made
 * before them, so what it says does not exist is no matter of time.
 */
export function newest(): readonly KubeObject[] {
  return [headless(name), ...byHand(name, [{ addresses: [address] }], [])]
}

/** A headless Service without a selector: its endpoints are made by hand. */
export function headless(
  serviceName: string,
  spec: Readonly<Record<string, unknown>> = {},
): KubeObject {
  return service(serviceName, [], { clusterIP: 'None', selector: undefined, ...spec })
}

/** Judges that the target knows the newest objects of a fixture; false: nothing else can be judged. */
export async function fixtureKnown(
  context: CheckContext,
  judgement: Judgement,
  fixture: Fixture,
): Promise<boolean> {
  const question = { name: serviceName(context, name, context.fixture(fixture)) }
  await expectRecords(context, judgement, question, { data: [address] })
  return judgement.ok
}
