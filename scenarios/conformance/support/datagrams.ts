import type {
  CheckContext,
  Observation,
  PacketSocket,
  PacketsJob,
  Position,
} from '../../../harness/api.ts'
import { podOf } from './connect.ts'

export type Packets = Extract<Observation, { readonly kind: 'packets' }>

export interface UdpFront {
  readonly at: Position
  readonly host: string
  readonly port: number
}

/**
 * Datagrams, and what comes back.
 * @throws Error when the probe could not tell
 */
export async function packets(
  context: CheckContext,
  at: Position,
  job: Omit<PacketsJob, 'kind'>,
): Promise<Packets> {
  const probe = await context.probe(at)
  const seen = await probe.run({ kind: 'packets', ...job }, context)
  if (seen.kind !== 'packets') throw new Error(`want packets, got ${seen.kind}`)
  return seen
}

/** A socket that sends all of these at once. */
export function socketSending(
  datagrams: readonly (string | Uint8Array)[],
  more: Omit<PacketSocket, 'send'> = {},
): PacketSocket {
  return {
    ...more,
    send: datagrams.map((bytes) => ({ atMs: 0, base64: Buffer.from(bytes).toString('base64') })),
  }
}

export interface WhoAnswers {
  /** One entry per answer. */
  readonly pods: readonly string[]
  /** Sockets that got no answer. */
  readonly unanswered: number
  /** Errors of the sockets: `refused` for an ICMP port unreachable. */
  readonly errors: readonly string[]
}

/** Asks who answers, once from each of `sockets` new sockets, or from a port of the check's choice. */
export async function whoAnswers(
  context: CheckContext,
  { at, host, port }: UdpFront,
  {
    sockets = 1,
    localPort,
    timeoutMs = 1_000,
  }: { readonly sockets?: number; readonly localPort?: number; readonly timeoutMs?: number } = {},
): Promise<WhoAnswers> {
  const bound = localPort === undefined ? {} : { localPort }
  const { received, failures } = await packets(context, at, {
    host,
    port,
    sockets: Array.from({ length: sockets }, () => socketSending(['who'], bound)),
    expect: sockets,
    timeoutMs,
  })
  const answered = new Set(received.map(({ socket }) => socket))
  return {
    pods: received.map(({ base64 }) => podOf(Buffer.from(base64, 'base64').toString())),
    unanswered: sockets - answered.size,
    errors: [...new Set(failures.map(({ kind }) => kind))],
  }
}

export function describeWho({ pods, unanswered, errors }: WhoAnswers): string {
  const counts = [...new Set(pods)].map(
    (pod) => `${pods.filter((one) => one === pod).length} x ${pod}`,
  )
  return [...counts, ...(unanswered > 0 ? [`${unanswered} unanswered`] : []), ...errors].join(', ')
}
