import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { answeredBy } from '../l4/follow.ts'
import { endpointOf, fixturePods, ownService, unready } from '../l4/own-service.ts'
import { podOf } from '../support/connect.ts'
import { type Packets, packets } from '../support/datagrams.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'

/** Source ports of clients that go on: below those that the kernel gives away. */
const [replacedPort, earlyPort] = [20_105, 20_106]

/** The client's pause between two datagrams. */
const everyMs = 500

const usual = { fixtures: [backends], timeoutMs: 180_000 } as const satisfies Partial<Check>

/** UDP flows that the kernel remembers. */
export const flows: readonly Check[] = [
  {
    ...usual,
    requirement: 'HYG-CT-001',
    sends:
      'a datagram each 0.5 s from one source port of a pod for 15 s, while the endpoint is replaced by another after 3 s',
    expects: 'the first reply of the new endpoint comes within the bound',
    run: async (context) => {
      const [old, next] = await fixturePods(context)
      const own = await ownService(context, { endpoints: [endpointOf(old)] })
      const judgement = new Judgement()
      const front = { at: inPod(context), host: own.host, port: 81 }
      if (!(await answeredBy(context, judgement, 'before', front, [old.name])).ok)
        return judgement.assessment('')
      const client = steady(context, own.host, replacedPort, { forMs: 15_000 })
      await delay(3_000, undefined, context)
      const replacedAt = client.now()
      await own.setEndpoints([endpointOf(next)])
      const seen = await client.ended
      const first = repliesOf(seen).find(({ pod }) => pod === next.name)
      judgement
        .holds(
          'before: replies',
          `some of ${old.name}`,
          told(seen),
          repliesOf(seen).some(({ pod }) => pod === old.name),
        )
        .holds('after: replies', `some of ${next.name}`, told(seen), first !== undefined)
      if (first !== undefined)
        judgement.atMost(
          'first reply of the new endpoint',
          context.threshold('firstReplyMs'),
          first.atMs - replacedAt,
        )
      return judgement.assessment(
        `${told(seen)}; the first of ${next.name} after ${Math.round((first?.atMs ?? 0) - replacedAt)} ms`,
      )
    },
  },
  {
    ...usual,
    requirement: 'HYG-CT-002',
    sends:
      'a datagram each 0.5 s from one source port of a pod, while the only endpoint is unready for 3 s and then ready',
    expects: 'no reply before that, replies from the same source port after it',
    run: async (context) => {
      const [pod, other] = await fixturePods(context)
      const beside = await ownService(context, { name: 'beside', endpoints: [endpointOf(other)] })
      const own = await ownService(context, { endpoints: [endpointOf(pod, unready)] })
      const judgement = new Judgement()
      const front = { at: inPod(context), host: beside.host, port: 81 }
      if (!(await answeredBy(context, judgement, 'beside it', front, [other.name])).ok)
        return judgement.assessment('')
      const boundMs = context.threshold('convergenceMs')
      const client = steady(context, own.host, earlyPort, { forMs: 3_000 + boundMs, expect: 4 })
      await delay(3_000, undefined, context)
      const readyAt = client.now()
      await own.setEndpoints([endpointOf(pod)])
      const seen = await client.ended
      const replies = repliesOf(seen)
      judgement.equal(
        'replies while it is unready',
        0,
        replies.filter(({ atMs }) => atMs < readyAt).length,
      )
      judgement.set(
        'who replies when it is ready',
        [pod.name],
        new Set(replies.map((reply) => reply.pod)),
      )
      const afterMs = (replies[0]?.atMs ?? Infinity) - readyAt
      judgement.atMost('first reply', boundMs, afterMs)
      return judgement.assessment(
        `${told(seen)}, the first ${Math.round(afterMs)} ms after it was ready`,
      )
    },
  },
]

/** A client that sends from one port without a pause that would let its flow be forgotten. */
function steady(
  context: CheckContext,
  host: string,
  localPort: number,
  { forMs, expect }: { readonly forMs: number; readonly expect?: number },
): { readonly ended: Promise<Packets>; readonly now: () => number } {
  const startedAt = performance.now()
  const count = Math.floor(forMs / everyMs)
  const base64 = Buffer.from('who').toString('base64')
  const send = Array.from({ length: count }, (_, index) => ({ atMs: index * everyMs, base64 }))
  const ended = packets(context, inPod(context), {
    host,
    port: 83,
    sockets: [{ localPort, send, connected: false }],
    expect: expect ?? count,
    timeoutMs: forMs + 1_000,
  })
  ended.catch(() => undefined)
  return { ended, now: () => performance.now() - startedAt }
}

function repliesOf(seen: Packets): readonly { readonly atMs: number; readonly pod: string }[] {
  return seen.received.map(({ atMs, base64 }) => ({
    atMs,
    pod: podOf(Buffer.from(base64, 'base64').toString()),
  }))
}

function told(seen: Packets): string {
  const pods = repliesOf(seen).map(({ pod }) => pod)
  const counts = [...new Set(pods)].map(
    (pod) => `${pods.filter((one) => one === pod).length} x ${pod}`,
  )
  return counts.length === 0 ? 'no reply' : counts.join(', ')
}
