import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext, KubeObject } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { backends } from '../l4/backends.fixture.ts'
import { answeredBy, type Front, look, podsIn } from '../l4/follow.ts'
import { ownPods } from '../l4/own-pods.ts'
import { endpointOf, fixturePods, ownService } from '../l4/own-service.ts'
import { describeVolley, failuresOf, type Volley } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, ports } from '../support/objects.ts'
import { apiUnreachable } from '../support/outage.ts'
import { inPod, onHost } from '../support/positions.ts'

/** Longer than a node's lease (40 s): the control plane has given the node up, so it is offline by anybody's clock. */
const offlineMs = 45_000

/** Connections of a look: with half of them to a dead endpoint all succeed in 1 of a million looks. */
const connections = 20

const impatientMs = 1_000

/** Says who it is, by HTTP and to whoever connects, until somebody asks for /end: then its process is gone. */
const mortalProgram = `
const name = process.env.POD_NAME
require('node:http').createServer((request, response) => {
  if (request.url === '/end') process.exit()
  response.setHeader('x-pod', name)
  response.end(name)
}).listen(${ports.http})
require('node:net').createServer((socket) => {
  socket.on('error', () => undefined)
  socket.end('pod=' + name + '\\n')
}).listen(${ports.tcp})
`

/** Endpoints that end while the node hears nothing. */
export const failover: readonly Check[] = [
  {
    requirement: 'EDGE-OFF-013',
    sends: `connections and requests from a pod and the host of a node to a Service with an endpoint there and one elsewhere; packets to the API are dropped for ${offlineMs / 1_000} s, then the process of the near endpoint ends`,
    expects: 'in time each is answered by the far endpoint, and none fails any more',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    timeoutMs: offlineMs + 240_000,
    run: async (context) => {
      const [, far] = await fixturePods(context)
      const [near] = await ownPods(context, [mortal(context)])
      if (near === undefined) throw new Error('want a pod')
      const { host } = await ownService(context, { endpoints: [endpointOf(near), endpointOf(far)] })
      const judgement = new Judgement()
      const fronts = [inPod(context), onHost(context)].flatMap((at) =>
        [80, 81].map((port): Front => ({ at, host, port, http: port === 80 })),
      )
      for (const front of fronts)
        if (
          !(
            await answeredBy(context, judgement, `before, ${nameOf(front)}`, front, [
              near.name,
              far.name,
            ])
          ).ok
        )
          return judgement.assessment('')
      await apiUnreachable(context)
      await delay(offlineMs, undefined, context)
      await end(context, near.ip)
      const withinMs = context.threshold('failoverMs')
      const { accepted, seen, tookMs } = await eventually(
        () => Promise.all(fronts.map((front) => look(context, front, connections, impatientMs))),
        (looks) => looks.every((one) => isServedBy(one, far.name)),
        { withinMs, signal: context.signal },
      )
      // why: the first look that fits may be luck; the next one is judged
      const judged = accepted
        ? await Promise.all(fronts.map((front) => look(context, front, connections)))
        : seen
      for (const [index, front] of fronts.entries()) {
        const one = judged[index]
        if (one === undefined) throw new Error(`${nameOf(front)} was not looked at`)
        judgement.holds(
          `${nameOf(front)}, ${withinMs} ms after the end of ${near.name}`,
          `answered by ${far.name}`,
          describeVolley(one),
          isServedBy(one, far.name),
        )
      }
      return judgement.assessment(`all went to ${far.name} after ${Math.round(tookMs)} ms`, {
        convergence: { thresholdMs: withinMs, observedMs: tookMs },
      })
    },
  },
]

/** A pod on the first edge node that does not start again. */
function mortal({ backendImage: image, nodes }: CheckContext): KubeObject {
  return backendPod({
    name: 'mortal',
    image,
    node: nodes[0]?.name ?? '',
    spec: { restartPolicy: 'Never' },
    container: {
      command: ['node', '-e', mortalProgram],
      args: [],
      readinessProbe: { httpGet: { path: '/', port: ports.http }, periodSeconds: 1 },
    },
  })
}

/** Ends the program in the pod; nobody takes a connection at its address afterwards. */
async function end(context: CheckContext, host: string): Promise<void> {
  const probe = await context.probe(inPod(context))
  await probe.run(
    { kind: 'http', url: `http://${host}:${ports.http}/end`, timeoutMs: 5_000 },
    context,
  )
  const seen = await probe.run(
    { kind: 'tcp', host, port: ports.tcp, expectBytes: 1, timeoutMs: impatientMs },
    context,
  )
  if (seen.kind === 'tcp') throw new Error(`the program in the pod ${host} did not end`)
}

function isServedBy(seen: Volley, pod: string): boolean {
  return failuresOf(seen) === 0 && podsIn(seen).join() === pod
}

function nameOf({ at, http = false }: Front): string {
  return `${http ? 'http-0' : 'tcp-0'} from ${at.network}`
}
