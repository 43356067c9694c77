import { setTimeout as delay } from 'node:timers/promises'
import type { Check } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { Judgement } from '../support/judgement.ts'
import { apiAway } from '../support/outage.ts'
import { inPod } from '../support/positions.ts'
import { describeSeen, keepLooking } from '../support/steady.ts'
import { whenKnown } from './scene.ts'

const outageMs = 8_000

/** A UDP flow of one socket: before the API is away, and twice while it is. */
const datagramsAtMs = [0, 4_000, outageMs - 1_000] as const

/** Traffic that flows goes on, and new traffic begins, while the API is away. */
export const traffic: readonly Check[] = [
  {
    requirement: 'EDGE-OFF-002',
    sends: `a TCP connection and a UDP flow that began before, and new ones all the time, while the API is away for ${outageMs / 1000} s`,
    expects: 'the old connection and flow go on, every new one is answered',
    capabilities: ['node-fault', 'node-access'],
    fixtures: [backends],
    run: whenKnown(async (context, { ip, traffic }) => {
      const probe = await context.probe(inPod(context))
      const stream = await probe.stream({ host: ip, port: 82, timeoutMs: 5_000 }, context)
      context.keep(stream)
      const echoed = async (text: string, first = ''): Promise<boolean> => {
        const { complete } = await stream.play(
          [
            { do: 'send', base64: Buffer.from(first + text).toString('base64') },
            { do: 'read', until: { text }, withinMs: 5_000 },
          ],
          context,
        )
        return complete
      }
      const judgement = new Judgement()
      judgement.equal('echo before', true, await echoed('before\n', 'echo\n'))
      const flow = probe.run(
        {
          kind: 'packets',
          host: ip,
          port: 83,
          sockets: [
            {
              send: datagramsAtMs.map((atMs) => ({
                atMs,
                base64: Buffer.from(`datagram ${atMs}`).toString('base64'),
              })),
            },
          ],
          expect: datagramsAtMs.length,
          timeoutMs: outageMs + 5_000,
        },
        context,
      )
      const outage = await apiAway(context)
      const watch = keepLooking(context, traffic, { everyMs: 100 })
      await delay(outageMs / 2, undefined, context)
      judgement.equal('echo during it', true, await echoed('during\n'))
      await delay(outageMs / 2, undefined, context)
      const seen = await watch.stop()
      judgement.equal('echo at its end', true, await echoed('still\n'))
      await outage.end()
      judgement.equal('echo afterwards', true, await echoed('after\n'))
      const datagrams = await flow
      const back = datagrams.kind === 'packets' ? datagrams.received.length : 0
      judgement
        .equal('datagrams of the old flow that came back', datagramsAtMs.length, back)
        .holds('new connections and flows', 'all answered', describeSeen(seen), seen.wrong === 0)
      return judgement.assessment(`${describeSeen(seen)}; the old ones went on`)
    }),
  },
]
