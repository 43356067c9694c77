import type { CheckContext, DnsJob, Observation, Position } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { inPod } from './positions.ts'

export interface Question extends Partial<Omit<DnsJob, 'kind' | 'name' | 'type'>> {
  readonly name: string
  /** `A` unless told. */
  readonly type?: string
  /** A pod on the first edge node unless told. */
  readonly at?: Position
}

export type DnsAnswer = Extract<Observation, { readonly kind: 'dns' }>

/** `web.shop.svc.cluster.local`, without a trailing dot. */
export function serviceName(
  { cluster }: Pick<CheckContext, 'cluster'>,
  service: string,
  namespace: string,
): string {
  return `${service}.${namespace}.svc.${cluster.topology.clusterDomain}`
}

/** Where the target's name server is asked: the address that kubelets write into pods' resolv.conf. */
export function dnsServer({ cluster }: Pick<CheckContext, 'cluster'>): {
  readonly address: string
  readonly port: number
} {
  return { address: cluster.topology.clusterDns, port: 53 }
}

/** One query to the target's name server, once: no retry, no search list. */
export async function ask(context: CheckContext, question: Question): Promise<Observation> {
  const { at = inPod(context), type = 'A', ...rest } = question
  const probe = await context.probe(at)
  return probe.run(
    {
      kind: 'dns',
      server: dnsServer(context),
      type,
      transport: 'udp',
      timeoutMs: 5_000,
      ...rest,
    },
    context,
  )
}

/** Asks again until `accept` holds or the time is up; gives what was seen last. */
export async function askUntil(
  context: CheckContext,
  question: Question,
  accept: (seen: DnsAnswer) => boolean,
  withinMs: number,
): Promise<{
  readonly accepted: boolean
  readonly seen: Observation
  readonly tookMs: number
}> {
  return eventually(
    () => ask(context, question),
    (seen) => seen.kind === 'dns' && accept(seen),
    { withinMs, signal: context.signal },
  )
}

/** Data of the answers of one type, sorted. */
export function dataOf(seen: Observation, type: string): readonly string[] {
  if (seen.kind !== 'dns') return []
  return seen.answers
    .filter((answer) => answer.type === type)
    .map(({ data }) => data)
    .sort()
}

/** An observation in a line: `NOERROR A 10.96.0.7` or `timed-out: ...`. */
export function describeAnswer(seen: Observation): string {
  if (seen.kind !== 'dns') return 'detail' in seen ? `${seen.kind}: ${seen.detail}` : seen.kind
  const records = [...seen.answers, ...seen.authorities.map((one) => ({ ...one, section: 'auth' }))]
  return `${seen.rcode}${seen.truncated ? ' TC' : ''} ${records.map(({ type, data }) => `${type} ${data}`).join(', ')}`.trim()
}
