import type { Check, CheckContext, Stream } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { failuresOf, volley } from '../support/connect.ts'
import type { Judgement } from '../support/judgement.ts'
import { inPod, onHost } from '../support/positions.ts'
import { openStream, patternSha256, sendText } from '../support/streams.ts'
import { backends } from './backends.fixture.ts'
import { type Handles, handlesOn } from './handles.ts'
import { commandPort, greetingOf, greetingPort, withFarBackend } from './streams.ts'

const MiB = 1 << 20

/** Both ways of L4-STR-004. */
const echoedMiB = 256

const saturatedMs = 5_000

/** More than buffers on the way hold, so that the server must still be getting rid of what it sends. */
const afterwardsMiB = 32

const held = 1_000
const short = 5_000

/** Many bytes, many connections. */
export const streamLoad: readonly Check[] = [
  {
    requirement: 'L4-STR-004',
    sends: `${echoedMiB} MiB to a backend that sends everything back`,
    expects: 'the same bytes come back, by sha256, and then the end',
    fixtures: [backends],
    timeoutMs: 400_000,
    run: (context) =>
      withFarBackend(context, async ({ judgement, host }) => {
        const to = { host, port: commandPort }
        const stream = await openStream(context, judgement, inPod(context), to)
        if (stream === undefined) return ''
        const bytes = echoedMiB * MiB
        const withinMs = 160_000
        const played = await stream.play(
          [
            sendText('echo\n'),
            { do: 'send-pattern', bytes, withinMs },
            { do: 'end' },
            { do: 'read', until: 'end', withinMs },
          ],
          context,
        )
        judgement.equal('how it ends', 'end', played.state)
        judgement.equal('bytes', bytes, played.bytes)
        judgement.equal('sha256', patternSha256(bytes), played.sha256)
        const seconds = played.durationMs / 1000
        return `${echoedMiB} MiB each way in ${seconds.toFixed(1)} s`
      }),
  },
  {
    requirement: 'L4-STR-005',
    sends: `for ${saturatedMs / 1000} s as many bytes as the connection takes, while the backend does the same`,
    expects: 'both directions go on: every piece is taken, and bytes arrive beside it and after it',
    fixtures: [backends],
    timeoutMs: 180_000,
    run: (context) =>
      withFarBackend(context, async ({ judgement, host }) => {
        const to = { host, port: commandPort }
        const stream = await openStream(context, judgement, inPod(context), to)
        if (stream === undefined) return ''
        const startedAt = performance.now()
        await stream.play([sendText(`source 100000000000000\n`)], context)
        let [sent, received, pieces] = [0, 0, 0]
        while (performance.now() - startedAt < saturatedMs && judgement.ok) {
          const played = await stream.play(
            [{ do: 'send-pattern', bytes: 8 * MiB, withinMs: 30_000 }],
            context,
          )
          pieces += 1
          sent += played.sentBytes
          received += played.bytes
          judgement.equal(`piece ${pieces}: connection`, 'open', played.state)
        }
        judgement.atLeast('received', 1, received / MiB, 'MiB')
        // why: what came in the first moments says nothing of whether the answers still come
        const last = await stream.play(
          [{ do: 'read', until: { bytes: afterwardsMiB * MiB }, withinMs: 30_000 }],
          context,
        )
        judgement.atLeast('received after it', afterwardsMiB, last.bytes / MiB, 'MiB')
        return `${Math.round(sent / MiB)} MiB out, ${Math.round(received / MiB)} MiB in`
      }),
  },
  {
    requirement: 'L4-STR-009',
    sends: `${held} connections that are open at the same time, then closed`,
    expects: 'all are greeted; open files and conntrack entries return to where they were',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 300_000,
    run: (context) =>
      withFarBackend(context, async ({ judgement, host }) => {
        const before = await handlesOn(context, clientHost(context), host)
        const streams = await openMany(context, { host, port: greetingPort })
        const greeted = await inBatches(streams, (stream) => greetingOf(context, stream))
        judgement.equal('greeted', held, greeted.filter((one) => one.endsWith('\n')).length)
        const meanwhile = await handlesOn(context, clientHost(context), host)
        await inBatches(streams, async (stream) => stream[Symbol.asyncDispose]())
        const after = await returned(context, judgement, host, before)
        return describe({ before, meanwhile, after })
      }),
  },
  {
    requirement: 'L4-STR-010',
    sends: `${short} connections, 50 at a time, each closed after one line`,
    expects: 'none fails; open files and conntrack entries return to where they were',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 300_000,
    run: (context) =>
      withFarBackend(
        context,
        async ({ judgement, host }) => {
          const before = await handlesOn(context, clientHost(context), host)
          const seen = await volley(context, inPod(context), {
            host,
            port: greetingPort,
            connections: short,
            concurrency: 50,
            connectionTimeoutMs: 20_000,
            timeoutMs: 240_000,
          })
          judgement.equal('failures', {}, seen.failures)
          const after = await returned(context, judgement, host, before)
          return `${short - failuresOf(seen)} of ${short} answered; ${describe({ before, after })}`
        },
        // why: among 5000 ports of the pod there would be some from which it tried before the Service was known
        onHost(context),
      ),
  },
]

function clientHost(context: CheckContext): Parameters<typeof handlesOn>[1] {
  return { node: onHost(context).node, network: 'host' }
}

/** Connections at once while they are opened or closed. */
const batch = 50

async function openMany(
  context: CheckContext,
  to: { readonly host: string; readonly port: number },
): Promise<readonly Stream[]> {
  const probe = await context.probe(inPod(context))
  const streams = await inBatches(Array.from({ length: held }), () =>
    probe.stream({ ...to, timeoutMs: 20_000 }, context),
  )
  for (const stream of streams) context.keep(stream)
  return streams.filter(({ opened }) => opened.kind === 'opened')
}

async function inBatches<T, R>(all: readonly T[], act: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < all.length; from += batch)
    results.push(...(await Promise.all(all.slice(from, from + batch).map(act))))
  return results
}

/** Records whether what the connections held is given back, and how much is left. */
async function returned(
  context: CheckContext,
  judgement: Judgement,
  host: string,
  before: Handles,
): Promise<Handles> {
  const most = context.threshold('handlesLeft')
  const { seen } = await eventually(
    () => handlesOn(context, clientHost(context), host),
    (now) => now.openFiles - before.openFiles <= most && now.conntrack - before.conntrack <= most,
    { withinMs: context.threshold('convergenceMs'), everyMs: 500, signal: context.signal },
  )
  judgement.atMost('open files left', most, seen.openFiles - before.openFiles, 'files')
  judgement.atMost('conntrack entries left', most, seen.conntrack - before.conntrack, 'entries')
  return seen
}

function describe(times: Readonly<Record<string, Handles>>): string {
  return Object.entries(times)
    .map(([when, { openFiles, conntrack }]) => `${when}: ${openFiles} files, ${conntrack} entries`)
    .join('; ')
}
