import { createHash } from 'node:crypto'
import type { Check, CheckContext } from '../../../harness/api.ts'
import { patternBytes } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import {
  describeWho,
  packets,
  type Packets,
  socketSending,
  type UdpFront,
  whoAnswers,
} from '../support/datagrams.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { backendNames, backends } from './backends.fixture.ts'
import { endpointOf, fixturePods, ownService } from './own-service.ts'

/** 65507 is the most that an IPv4 datagram carries; 4096 and its like are buffers that programs are fond of. */
const sizes = [0, 1, 512, 1472, 4096, 4097, 8192, 65_507]

/** Datagrams through UDP Services, as far as their endpoints stay. */
export const datagrams: readonly Check[] = [
  {
    requirement: 'L4-UDP-001',
    sends: 'a datagram from each of 30 sockets in a pod, and on the host network, to a UDP Service',
    expects: 'each is answered, by an endpoint of the Service',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const host = await clusterIpOf(context, context.fixture(backends), 'web')
      const judgement = new Judgement()
      const told: string[] = []
      for (const at of [inPod(context), onHost(context)]) {
        const front = { at, host, port: 83 }
        if (!(await known(context, judgement, front))) break
        const seen = await whoAnswers(context, front, { sockets: 30, timeoutMs: 5_000 })
        const strangers = seen.pods.filter((pod) => !backendNames.some((name) => name === pod))
        judgement.equal(`${at.network}: sockets without an answer`, 0, seen.unanswered)
        judgement.set(`${at.network}: answers of no endpoint`, [], new Set(strangers))
        told.push(`${at.network}: ${describeWho(seen)}`)
      }
      return judgement.assessment(told.join('; '))
    },
  },
  {
    requirement: 'L4-UDP-002',
    sends: `datagrams of ${sizes.join(', ')} bytes from a pod to an endpoint on its node and to one on another`,
    expects: 'each comes back intact, in one datagram',
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const judgement = new Judgement()
      const at = inPod(context)
      for (const pod of [...(await fixturePods(context))].slice(0, 2)) {
        const { host } = await ownService(context, {
          name: `to-${pod.name}`,
          endpoints: [endpointOf(pod)],
        })
        const front = { at, host, port: 83 }
        if (!(await known(context, judgement, front))) break
        const seen = await packets(context, at, {
          host,
          port: 83,
          sockets: sizes.map((size) => socketSending([patternBytes(0, size)])),
          expect: sizes.length,
          lingerMs: 100,
          timeoutMs: 5_000,
        })
        for (const [socket, size] of sizes.entries())
          judgement.equal(
            `${pod.name}: datagrams back for ${size} bytes`,
            [digest(patternBytes(0, size))],
            received(seen, socket).map(digest),
          )
      }
      return judgement.assessment(`${sizes.length} sizes came back from both`)
    },
  },
  {
    requirement: 'L4-UDP-003',
    sends: 'four datagrams on one flow, which the backend answers after 0.1, 0.5, 2 and 30 s',
    expects: 'all four answers arrive',
    fixtures: [backends],
    timeoutMs: 120_000,
    run: async (context) => {
      const host = await clusterIpOf(context, context.fixture(backends), 'web')
      const front = { at: inPod(context), host, port: 83 }
      const judgement = new Judgement()
      if (!(await known(context, judgement, front))) return judgement.assessment('')
      const delays = [100, 500, 2_000, 30_000]
      const seen = await packets(context, front.at, {
        host,
        port: 83,
        sockets: [socketSending(delays.map((ms) => `delay ${ms} after ${ms}`))],
        expect: delays.length,
        timeoutMs: 45_000,
      })
      const texts = received(seen, 0).map((bytes) => bytes.toString())
      judgement.equal(
        'answers',
        delays.map((ms) => `after ${ms}`),
        texts,
      )
      return judgement.assessment(texts.join(', '))
    },
  },
  {
    requirement: 'L4-UDP-004',
    sends:
      '100 datagrams of 1 to 1400 bytes, back to back on one flow, from a pod to an endpoint on another node',
    expects: 'the backend sends back 100 datagrams, each as it was sent',
    capabilities: ['multi-node'],
    fixtures: [backends],
    timeoutMs: 90_000,
    run: async (context) => {
      const at = inPod(context)
      const pod = (await fixturePods(context)).find(({ node }) => node !== at.node)
      if (pod === undefined) throw new Error('every backend is on one node')
      const { host } = await ownService(context, { endpoints: [endpointOf(pod)] })
      const judgement = new Judgement()
      if (!(await known(context, judgement, { at, host, port: 83 })))
        return judgement.assessment('')
      const sent = Array.from({ length: 100 }, (_, index) =>
        Buffer.concat([Buffer.from([index]), patternBytes(index, (index * 379) % 1400)]),
      )
      const seen = await packets(context, at, {
        host,
        port: 83,
        sockets: [socketSending(sent)],
        expect: sent.length,
        lingerMs: 100,
        timeoutMs: 5_000,
      })
      judgement.set('datagrams that came back', sent.map(digest), received(seen, 0).map(digest))
      return judgement.assessment(`${seen.received.length} of ${sent.length} came back whole`)
    },
  },
  {
    requirement: 'L4-UDP-008',
    sends: 'one datagram that the backend answers with 100',
    expects: 'all arrive, in order',
    fixtures: [backends],
    timeoutMs: 90_000,
    run: async (context) => {
      const host = await clusterIpOf(context, context.fixture(backends), 'web')
      const front = { at: inPod(context), host, port: 83 }
      const judgement = new Judgement()
      if (!(await known(context, judgement, front))) return judgement.assessment('')
      const seen = await packets(context, front.at, {
        host,
        port: 83,
        sockets: [socketSending(['burst 100'])],
        expect: 100,
        timeoutMs: 5_000,
      })
      judgement.equal(
        'answers',
        Array.from({ length: 100 }, (_, index) => String(index + 1)).join(),
        received(seen, 0).join(),
      )
      return judgement.assessment(`${seen.received.length} answers in order`)
    },
  },
]

/** Waits until datagrams are answered; records that they are, so that nothing is judged of a target that knows nothing. */
export async function known(
  context: CheckContext,
  judgement: Judgement,
  front: UdpFront,
): Promise<boolean> {
  const { accepted, seen } = await eventually(
    () => whoAnswers(context, front),
    ({ unanswered }) => unanswered === 0,
    { withinMs: context.threshold('convergenceMs'), signal: context.signal },
  )
  judgement.holds(
    `${front.at.network} network: the Service`,
    'is known',
    describeWho(seen),
    accepted,
  )
  return accepted
}

function received({ received: all }: Packets, of: number): readonly Buffer[] {
  return all
    .filter(({ socket }) => socket === of)
    .map(({ base64 }) => Buffer.from(base64, 'base64'))
}

/** A datagram in a word: its length and a hash. */
function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`
}
