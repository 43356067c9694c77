import type { BenchFacts, LoadProfile, LoadTarget, Question } from '../../harness/api.ts'

/** What is asked for, in bytes: a small answer, a page, and the file of edgemesh#551 that took eight times as long. */
const sizes = [
  { name: '1k', text: '1 KiB', bytes: 1_024, profile: openLoop(500) },
  { name: '64k', text: '64 KiB', bytes: 65_536, profile: openLoop(200) },
  // why: reading 4 MiB keeps the generator itself from its schedule; one download after the other is what users time
  {
    name: '4m',
    text: '4 MiB',
    bytes: 4_194_304,
    profile: { kind: 'closed-loop', concurrency: 1 },
  },
] as const

function openLoop(rateRps: number): LoadProfile {
  return { kind: 'open-loop', rateRps, maxInFlight: 200 }
}

type Size = (typeof sizes)[number]

/** "What does the L4 path add to an answer of so many bytes?" */
export const l4Payload1k: Question = payload('l4', sizes[0])
export const l4Payload64k: Question = payload('l4', sizes[1])
export const l4Payload4m: Question = payload('l4', sizes[2])

/** "What does the L7 path add to it?" */
export const l7Payload1k: Question = payload('l7', sizes[0])
export const l7Payload64k: Question = payload('l7', sizes[1])
export const l7Payload4m: Question = payload('l7', sizes[2])

/** As in the manifest. */
const podPort = 8_080

function payload(way: 'l4' | 'l7', { name, text, bytes, profile }: Size): Question {
  return {
    id: `${way}-payload-${name}`,
    title: `What does the ${way.toUpperCase()} path add to an answer of ${text}?`,
    means: `what a client waits longer for ${text} from a Service than from the pod itself`,
    role: 'advisory',
    margin: 0.05,
    unit: 'us',
    better: 'lower',
    metric: 'response-p50',
    effect: 'difference',
    profile,
    calibration: { share: 0.4, concurrency: 4 },
    uses: [`${way}-payloads`],
    warmupMs: 300,
    durationMs: 1_200,
    arms: [
      {
        id: 'direct',
        label: 'pod IP',
        request: (facts) => file(facts, bytes, ({ podIp }) => [podIp, podPort]),
      },
      {
        id: 'target',
        label: way === 'l4' ? 'ClusterIP, port tcp-0 (L4)' : 'ClusterIP, port http-0 (L7)',
        request: (facts) =>
          file(facts, bytes, ({ clusterIp }) => [
            clusterIp,
            way === 'l4' ? facts.l4Port : facts.l7Port,
          ]),
      },
    ],
  }
}

type Payloads = NonNullable<BenchFacts['payloads']>

/** GET of one of the files over kept-alive connections. */
function file(
  { payloads }: BenchFacts,
  bytes: number,
  where: (payloads: Payloads) => readonly [host: string, port: number],
): LoadTarget {
  const found = payloads?.files.find((one) => one.bytes === bytes)
  if (payloads === undefined || found === undefined)
    throw new Error(`there is no file of ${bytes} bytes`)
  const [host, port] = where(payloads)
  return {
    kind: 'http',
    host,
    port,
    path: found.path,
    authority: `nginx-payload:${port}`,
    connections: 8,
    expect: { status: 200, bodySha256: found.sha256 },
  }
}
