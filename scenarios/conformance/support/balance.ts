import type { CheckContext, Fixture, Position, VolleyJob } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf } from './cluster-facts.ts'
import { failuresOf, podOf, type Volley, volley } from './connect.ts'
import { byHeader, destinationRule, hashedHeader } from './destination-rules.ts'
import type { Judgement } from './judgement.ts'
import { everyPort, service, type ServicePort } from './objects.ts'
import { inPod } from './positions.ts'
import { first, rules } from './rules.fixture.ts'

/** One path of a data plane: the port `tcp-0`, or the port `http-0`, one request a connection. */
export type Way = 'tcp' | 'http'

/** Both paths: a balancer of HTTP requests is not the one of connections. */
export const ways: readonly Way[] = ['tcp', 'http']

/** A client and the Service that it asks. */
export interface Front {
  readonly at: Position
  readonly host: string
}

/** A Service of a fixture, asked from a pod on the first node. */
export async function frontOf(
  context: CheckContext,
  fixture: Fixture,
  name: string,
): Promise<Front> {
  const host = await clusterIpOf(context, context.fixture(fixture), name)
  return { at: inPod(context), host }
}

/** Who answered. */
export interface Answers {
  /** Pods, in the order of the connections; failed ones are left out. */
  readonly order: readonly string[]
  readonly failures: Volley['failures']
}

export type AskOptions = Partial<
  Pick<VolleyJob, 'connections' | 'concurrency' | 'localAddresses' | 'connectionTimeoutMs'>
> & {
  /** Value of the hashed header, where the way is HTTP. */
  readonly value?: string
}

/** Bounds a connection whose answer is judged, however slow the machine is. */
export const patientMs = 10_000

/** How long until a Service that was just made is known (KubeProxyEndpointLagTimeout of kubernetes/kubernetes). */
const servedMs = 30_000

/** A look that is repeated: few connections, given up sooner. */
export const look: AskOptions = { concurrency: 4, connectionTimeoutMs: 2_000 }

/** Connections to a Service, one after the other unless told. */
export async function ask(
  context: CheckContext,
  { at, host }: Front,
  way: Way,
  { value, ...job }: AskOptions,
): Promise<Answers> {
  const headers = value === undefined ? [] : [[hashedHeader, value] as const]
  const seen = await volley(context, at, {
    host,
    port: way === 'tcp' ? 81 : 80,
    ...(way === 'http' && { http: [{ path: '/', headers }] }),
    connectionTimeoutMs: patientMs,
    timeoutMs: 280_000,
    ...job,
  })
  return answersOf(seen)
}

/** Pods of a volley, in order. */
export function answersOf(seen: Volley): Answers {
  const order = seen.order.flatMap((index) => {
    const answer = seen.answers[index]?.answer
    return answer === undefined ? [] : [podOf(answer)]
  })
  return { order, failures: failuresOf(seen) === 0 ? {} : seen.failures }
}

/** How often each backend answered; those that never did as 0. */
export function countsOf(order: readonly string[], backends: readonly string[]): readonly number[] {
  return backends.map((name) => order.filter((pod) => pod === name).length)
}

/** `web-0 33, web-1 34`, and failures. */
export function describeAnswers({ order, failures }: Answers): string {
  const pods = [...new Set(order)].sort().map((pod) => `${pod} ${countsOf(order, [pod]).join()}`)
  const failed = Object.entries(failures).map(([kind, count]) => `${kind} ${count}`)
  return [...pods, ...failed].join(', ') || 'nothing'
}

/**
 * Waits until every backend of a Service answers on both ways and nothing fails, and judges that.
 * @returns whether it was so
 */
export async function isSpread(
  context: CheckContext,
  judgement: Judgement,
  front: Front,
  backends: readonly string[],
  {
    label,
    value,
    withinMs = context.threshold('convergenceMs'),
  }: { readonly label: string; readonly value?: string; readonly withinMs?: number },
): Promise<boolean> {
  for (const way of ways) {
    const { accepted, seen } = await eventually(
      () => ask(context, front, way, { ...look, connections: 40, ...valued(value) }),
      ({ order, failures }) =>
        Object.keys(failures).length === 0 && isSameSet(new Set(order), backends),
      { withinMs, signal: context.signal },
    )
    judgement.holds(
      `${label}, ${way}`,
      `answers of each of ${backends.join(', ')}, and of nobody else`,
      describeAnswers(seen),
      accepted,
    )
    if (!accepted) return false
  }
  return true
}

/** Values that show more than one backend: by chance three give them all to one once in 10^5 times. */
const otherValues = 12

/**
 * Waits until all requests with one value of the hashed header are answered by one backend, others by others, and judges
 * that.
 * @param affinity - the Service has sessionAffinity as well, which may win: one backend for all values will do
 * @returns whether it was so, and how long it took in ms
 */
export async function isHashed(
  context: CheckContext,
  judgement: Judgement,
  front: Front,
  label: string,
  { affinity = false }: { readonly affinity?: boolean } = {},
): Promise<{ readonly accepted: boolean; readonly tookMs: number }> {
  const withinMs = context.threshold('convergenceMs')
  const { accepted, seen, tookMs } = await eventually(
    async () => {
      const one = await ask(context, front, 'http', { ...look, connections: 20, value: 'one' })
      const isOne = Object.keys(one.failures).length === 0 && new Set(one.order).size === 1
      // why: as long as one endpoint is all that is known, it answers every value without any rule
      const others =
        isOne && !affinity ? await podsByValue(context, front, valuesOf(otherValues, 'other')) : []
      return { ...one, isHashed: isOne && (affinity || new Set(others).size > 1) }
    },
    (one) => one.isHashed,
    { withinMs, signal: context.signal },
  )
  judgement.holds(
    label,
    'one backend for one value of the header, others for others',
    describeAnswers(seen),
    accepted,
  )
  return { accepted, tookMs }
}

/** The backend that each value of the hashed header leads to, or what failed; a connection each. */
export async function podsByValue(
  context: CheckContext,
  front: Front,
  values: readonly string[],
  { header = hashedHeader, port = 80 }: { readonly header?: string; readonly port?: number } = {},
): Promise<readonly string[]> {
  const found: string[] = Array.from({ length: values.length }, () => '')
  const queue = [...values.entries()]
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, value] = next
      const http = [{ path: '/', headers: [[header, value] as const] }]
      const seen = await volley(context, front.at, { host: front.host, port, http })
      found[index] = answersOf(seen).order[0] ?? (Object.keys(seen.failures)[0] || 'nothing')
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return found
}

/** Connections of `podsByValue` at the same time. */
const atOnce = 16

/** So many values, other ones for each word. */
export function valuesOf(count: number, word: string): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${word}-${index}`)
}

/**
 * A Service of the check's own over the first backends of a fixture, in its namespace, so that a controller
 * writes its endpoints, in the old API as well. It is removed after the check.
 */
export interface OwnService {
  readonly name: string
  readonly namespace: string
  readonly host: string
  /** Changes the number of its endpoints: the first so many backends, without some of them. */
  resize(count: number, without?: readonly number[]): Promise<void>
}

export async function ownService(
  context: CheckContext,
  {
    fixture = rules,
    count = 3,
    ports = everyPort,
    spec = {},
  }: {
    readonly fixture?: Fixture
    readonly count?: number
    readonly ports?: readonly ServicePort[]
    readonly spec?: Readonly<Record<string, unknown>>
  } = {},
): Promise<OwnService> {
  const namespace = context.fixture(fixture)
  const name = `own-${crypto.randomUUID().slice(0, 8)}`
  const resize = async (size: number, without: readonly number[] = []): Promise<void> => {
    const object = service(name, ports, { ...first(size, without), ...spec })
    await context.apply([{ ...object, metadata: { ...object.metadata, namespace } }])
  }
  await resize(count)
  return {
    name,
    namespace,
    host: await clusterIpOf(context, namespace, name),
    resize,
  }
}

/**
 * A Service of the check's own, and a rule for it as soon as the target serves the Service: what becomes of a rule that
 * comes before its Service is no matter of the rows that look at what a rule does.
 */
export async function ruledService(
  context: CheckContext,
  judgement: Judgement,
  loadBalancer: Parameters<typeof destinationRule>[1],
  init: Parameters<typeof ownService>[1] = {},
): Promise<OwnService> {
  const own = await ownService(context, init)
  await isServed(context, judgement, own)
  await context.apply([destinationRule(own.name, loadBalancer, { namespace: own.namespace })])
  return own
}

/** Waits until a Service without a rule is answered, and judges that. */
export async function isServed(
  context: CheckContext,
  judgement: Judgement,
  { name, host }: Pick<OwnService, 'name' | 'host'>,
): Promise<void> {
  const { accepted, seen } = await eventually(
    () => ask(context, { at: inPod(context), host }, 'http', { ...look, connections: 4 }),
    ({ order, failures }) => order.length > 0 && Object.keys(failures).length === 0,
    { withinMs: servedMs, signal: context.signal },
  )
  judgement.holds(`${name}, without a rule`, 'answers', describeAnswers(seen), accepted)
}

/** A rule that is made now takes effect: what was said before it was read, and whoever reads is alive. */
export async function followsStill(
  context: CheckContext,
  judgement: Judgement,
  label: string,
): Promise<boolean> {
  const { host } = await ruledService(context, judgement, byHeader)
  return (await isHashed(context, judgement, { at: inPod(context), host }, label)).accepted
}

function valued(value: string | undefined): { readonly value?: string } {
  return value === undefined ? {} : { value }
}

function isSameSet(seen: ReadonlySet<string>, wanted: readonly string[]): boolean {
  return seen.size === wanted.length && wanted.every((name) => seen.has(name))
}
