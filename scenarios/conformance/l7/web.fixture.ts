import type { CheckContext, Fixture } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { echoOf } from '../support/http-backend.ts'
import { type Answer, askHttp, describeAnswer, getRequest } from '../support/http1.ts'
import type { Judgement } from '../support/judgement.ts'
import { backendsOnNodes, everyPort, ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'

/** Three backends behind `web`, every way to speak, and more names for HTTP; `nameless` has one port without a name. */
export const web: Fixture = {
  id: 'l7-web',
  manifests: (scene) => [
    ...backendsOnNodes(scene, 'web', 3),
    service('web', [
      ...everyPort,
      { name: 'tcp-x', port: 85, targetPort: ports.http, appProtocol: 'http' },
      { name: 'chat', port: 86, targetPort: ports.http, appProtocol: 'kubernetes.io/ws' },
    ]),
    service('nameless', [{ port: 80, targetPort: ports.command }], { selector: { app: 'web' } }),
  ],
}

/** One backend alone, so that connections that a proxy keeps are used again: what one request leaves meets the next. */
export const solo: Fixture = {
  id: 'l7-solo',
  manifests: (scene) => [...backendsOnNodes(scene, 'solo', 1), service('solo', everyPort)],
}

/** Where a client asks for HTTP. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** The port `http-0` of a fixture's Service. */
export async function httpPort(context: CheckContext, fixture: Fixture): Promise<Place> {
  const name = fixture === solo ? 'solo' : 'web'
  return { host: await clusterIpOf(context, context.fixture(fixture), name), port: 80 }
}

/**
 * Waits until a plain request is answered by a backend, and judges that: without it, silence and refusals mean nothing.
 * @returns whether it was
 */
export async function isServed(
  context: CheckContext,
  judgement: Judgement,
  place: Place,
): Promise<boolean> {
  const { accepted, seen } = await eventually(
    () => askHttp(context, inPod(context), place, getRequest('/served')),
    (answer) => echoOf(answer) !== undefined,
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  judgement.holds('a plain GET', 'answered by a backend', describeServed(seen), accepted)
  return accepted
}

function describeServed(answer: Answer): string {
  const echo = echoOf(answer)
  return echo === undefined ? describeAnswer(answer) : `answered by ${echo.pod}`
}

/** A word that no other check and no other turn of this one uses. */
export function nonce(): string {
  return `n${crypto.randomUUID().slice(0, 13).replace('-', '')}`
}
