import type {
  CheckContext,
  HttpJob,
  Observation,
  Position,
  VolleyJob,
} from '../../../harness/api.ts'
import { ports } from './objects.ts'

export type Volley = Extract<Observation, { readonly kind: 'volley' }>

/**
 * Connections that ask who answers, by the port that speaks first.
 * @throws Error when the probe gave no volley at all
 */
export async function volley(
  context: CheckContext,
  at: Position,
  job: Partial<VolleyJob> & Pick<VolleyJob, 'host' | 'port'>,
): Promise<Volley> {
  const probe = await context.probe(at)
  const seen = await probe.run(
    {
      kind: 'volley',
      connections: 1,
      concurrency: 1,
      connectionTimeoutMs: 3_000,
      timeoutMs: 60_000,
      ...job,
    },
    context,
  )
  if (seen.kind !== 'volley') throw new Error(`want a volley, got ${seen.kind}`)
  return seen
}

/** The pods behind the answers (`pod=NAME ...` lines, or x-pod) and how often each answered. */
export function podsAnswering(seen: Volley): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { answer, count } of seen.answers) {
    const pod = podOf(answer)
    counts.set(pod, (counts.get(pod) ?? 0) + count)
  }
  return counts
}

/** `web-1` of `pod=web-1 ip=10.244.1.7 port=8081 peer=10.244.1.2:40000`; other text as it is. */
export function podOf(answer: string): string {
  return /^pod=(\S+)/.exec(answer)?.[1] ?? answer
}

/** `web-1:8081`: the pod of an identity line and the port that it was reached at. */
export function podAndPortOf(answer: string): string {
  return `${podOf(answer)}:${/\bport=(\d+)/.exec(answer)?.[1] ?? '?'}`
}

/** `peer` of an identity line: how the backend saw the client, `ADDRESS:PORT`. */
export function peerOf(answer: string): string | undefined {
  return /\bpeer=(\S+)/.exec(answer)?.[1]
}

export function failuresOf(seen: Volley): number {
  return Object.values(seen.failures).reduce((sum, count) => sum + count, 0)
}

export function describeVolley(seen: Volley): string {
  const pods = [...podsAnswering(seen)].map(([pod, count]) => `${count} x ${pod}`)
  const failures = Object.entries(seen.failures).map(([kind, count]) => `${count} x ${kind}`)
  return [...pods, ...failures].join(', ')
}

/** One HTTP request on a new connection. */
export async function request(
  context: Pick<CheckContext, 'probe' | 'signal'>,
  at: Position,
  url: string,
  more: Partial<Omit<HttpJob, 'kind' | 'url'>> = {},
): Promise<Observation> {
  const probe = await context.probe(at)
  return probe.run({ kind: 'http', url, timeoutMs: 5_000, ...more }, context)
}

/** Speaks to a backend's control port by its pod's address: what it saw, how it is to behave. */
export async function control(
  context: CheckContext,
  podIp: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const at = { node: context.nodes[0]?.name ?? '', network: 'container' } as const
  const seen = await request(context, at, `http://${podIp}:${ports.control}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    ...(body !== undefined && {
      headers: [['Content-Type', 'application/json']] as const,
      body: JSON.stringify(body),
    }),
  })
  if (seen.kind !== 'http' || seen.status >= 300)
    throw new Error(
      `control ${path} of ${podIp}: ${seen.kind === 'http' ? `HTTP ${seen.status} ${seen.body.slice(0, 200)}` : seen.kind}`,
    )
  return seen.body === '' ? undefined : JSON.parse(seen.body)
}
