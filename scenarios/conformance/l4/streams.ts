import type { Check, CheckContext, Position, Stream } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import type { PodFacts } from '../support/cluster-facts.ts'
import { control, podOf } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { openStream, patternSha256, sendText, textOf } from '../support/streams.ts'
import { backends } from './backends.fixture.ts'
import { answeredBy } from './follow.ts'
import {
  endpointOf,
  fixturePods,
  type OwnService,
  ownService,
  patchService,
} from './own-service.ts'

const MiB = 1 << 20

/** Bounds what takes no time where nothing is lost. */
const soonMs = 20_000

/** Ports of Services here: to the backends' command port, and to the one that speaks first. */
export const commandPort = 82
export const greetingPort = 81

/** One TCP connection from end to end: bytes, ends and resets of either side. */
export const streams: readonly Check[] = [
  {
    requirement: 'L4-STR-001',
    sends: '1 MiB, then FIN; the backend sends it all back, and FIN only after the last byte',
    expects: 'all of it, in order, then a clean end; the same where the response begins before FIN',
    fixtures: [backends],
    run: (context) =>
      withFarBackend(context, async ({ judgement, host }) => {
        for (const [command, before] of [
          ['echo', MiB],
          [`source ${MiB}`, 0],
        ] as const) {
          const stream = await openStream(context, judgement, inPod(context), {
            host,
            port: commandPort,
          })
          if (stream === undefined) return ''
          const played = await stream.play(
            [
              sendText(`${command}\n`),
              ...(before > 0 ? [{ do: 'send-pattern', bytes: before } as const] : []),
              { do: 'end' },
              { do: 'read', until: 'end', withinMs: soonMs },
            ],
            context,
          )
          judgement.equal(`${command}: how it ends`, 'end', played.state)
          judgement.equal(`${command}: bytes`, MiB, played.bytes)
          judgement.equal(`${command}: sha256`, patternSha256(MiB), played.sha256)
        }
        return '1 MiB came after FIN, twice, with the right hash and a clean end'
      }),
  },
  {
    requirement: 'L4-STR-002',
    sends: 'over 1 MiB after the FIN of the server',
    expects: 'the client sees the end, and the server gets every byte and then the end',
    fixtures: [backends],
    run: (context) =>
      withFarBackend(context, async ({ judgement, host, pod }) => {
        const to = { host, port: commandPort }
        const stream = await openStream(context, judgement, inPod(context), to)
        if (stream === undefined) return ''
        // why: the number tells this connection from all others in what the backend writes down
        const bytes = MiB + (context.seed % 100_000)
        const ended = await stream.play(
          [sendText('end-first\n'), { do: 'read', until: 'end', withinMs: soonMs }],
          context,
        )
        judgement.equal('what the client sees', 'end', ended.state)
        await stream.play([{ do: 'send-pattern', bytes }, { do: 'end' }], context)
        const { accepted } = await eventually(
          () => streamsSeen(context, pod),
          (all) =>
            all.some(
              (one) =>
                one.bytes === bytes && one.sha256 === patternSha256(bytes) && one.ended === 'end',
            ),
          { withinMs: soonMs, signal: context.signal },
        )
        judgement.holds(
          'what the server got',
          `${bytes} bytes with the right hash, then the end`,
          accepted ? 'that' : JSON.stringify((await streamsSeen(context, pod)).slice(-3)),
          accepted,
        )
        return `${bytes} bytes reached the server after its FIN`
      }),
  },
  {
    requirement: 'L4-STR-003',
    sends: 'bytes to a backend that resets the connection',
    expects: 'the client sees a reset, not a clean end',
    fixtures: [backends],
    run: (context) =>
      withFarBackend(context, async ({ judgement, host }) => {
        const to = { host, port: commandPort }
        const stream = await openStream(context, judgement, inPod(context), to)
        if (stream === undefined) return ''
        const { state } = await stream.play(
          [sendText('reset-after 5\n12345'), { do: 'read', until: 'end', withinMs: soonMs }],
          context,
        )
        judgement.equal('what the client sees', 'reset', state)
        return 'the client saw the reset'
      }),
  },
  {
    requirement: 'L4-STR-007',
    sends: 'nothing, on a connection to a server that speaks first',
    expects: 'its greeting',
    fixtures: [backends],
    run: (context) =>
      withFarBackend(context, async ({ judgement, host, pod }) => {
        const to = { host, port: greetingPort }
        const stream = await openStream(context, judgement, inPod(context), to)
        if (stream === undefined) return ''
        const greeting = await greetingOf(context, stream)
        judgement.equal('who greets', pod.name, podOf(greeting))
        return greeting.trim()
      }),
  },
  {
    requirement: 'L4-STR-012',
    sends:
      'bytes on an open connection while other endpoints come and go, and labels and annotations of the Service change',
    expects: 'every byte comes back after each change, on the same connection',
    fixtures: [backends],
    timeoutMs: 180_000,
    run: (context) =>
      withFarBackend(context, async ({ judgement, host, pod, own }) => {
        const to = { host, port: greetingPort }
        const stream = await openStream(context, judgement, inPod(context), to)
        if (stream === undefined) return ''
        await greetingOf(context, stream)
        const [first, , third] = await fixturePods(context)
        const front = { at: inPod(context), ...to }
        const metadata = { labels: { changed: 'yes' }, annotations: { 'example.org/changed': '1' } }
        const changes: Readonly<Record<string, () => Promise<unknown>>> = {
          'two more endpoints': () =>
            own.setEndpoints([pod, first, third].map((one) => endpointOf(one))),
          'only two left': () => own.setEndpoints([pod, third].map((one) => endpointOf(one))),
          'labels and annotations': () => patchService(context, own.name, { metadata }),
          'alone again': () => own.setEndpoints([endpointOf(pod)]),
        }
        const behind = [[pod, first, third], [pod, third], [pod, third], [pod]]
        for (const [i, [what, change]] of Object.entries(changes).entries()) {
          await change()
          const names = (behind[i] ?? []).map(({ name }) => name)
          const followed = await answeredBy(context, judgement, what, front, names)
          if (!followed.ok) return ''
          judgement.equal(`${what}: echo`, `ping ${i}`, await echoed(context, stream, `ping ${i}`))
        }
        return `the connection lived through: ${Object.keys(changes).join(', ')}`
      }),
  },
]

export interface FarBackend {
  readonly judgement: Judgement
  readonly own: OwnService
  /** ClusterIP of `own`, whose only endpoint is `pod`. */
  readonly host: string
  /** On another node than clients on node 0. */
  readonly pod: PodFacts
}

/**
 * Runs `exchange` once clients on node 0 reach a Service whose one backend is on another node.
 * @param from - who tries until it does: what came too early may spoil its port of that client for two minutes
 */
export async function withFarBackend(
  context: CheckContext,
  exchange: (stage: FarBackend) => Promise<string>,
  from: Position = inPod(context),
): ReturnType<Check['run']> {
  const [, pod] = await fixturePods(context)
  const own = await ownService(context, { endpoints: [endpointOf(pod)] })
  const judgement = new Judgement()
  const front = { at: from, host: own.host, port: greetingPort }
  const known = await answeredBy(context, judgement, 'the Service', front, [pod.name])
  if (!known.ok) return judgement.assessment('')
  return judgement.assessment(await exchange({ judgement, own, host: own.host, pod }))
}

/** Reads the line with which a backend greets. */
export async function greetingOf(context: CheckContext, stream: Stream): Promise<string> {
  return textOf(
    await stream.play([{ do: 'read', until: { text: '\n' }, withinMs: soonMs }], context),
  )
}

/** What comes back of a text; less when the time is up or the connection is broken. */
export async function echoed(context: CheckContext, stream: Stream, text: string): Promise<string> {
  const played = await stream.play(
    [sendText(text), { do: 'read', until: { bytes: text.length }, withinMs: soonMs }],
    context,
  )
  return played.state === 'open' ? textOf(played) : `${textOf(played)} (${played.state})`
}

interface StreamSeen {
  readonly bytes: number
  readonly sha256: string
  readonly ended: string
}

async function streamsSeen(
  context: CheckContext,
  { ip }: PodFacts,
): Promise<readonly StreamSeen[]> {
  const path = '/seen?only=streams&contains=end-first&last=50'
  return ((await control(context, ip, path)) as { readonly streams: readonly StreamSeen[] }).streams
}
