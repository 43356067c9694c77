import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext, KubeObject } from '../../../../harness/api.ts'
import { ask, dataOf, serviceName } from '../../support/dns.ts'
import { Judgement } from '../../support/judgement.ts'
import { service } from '../../support/objects.ts'

/** Many Services at once. */
export const manyServices: readonly Check[] = [
  {
    requirement: 'DNSF-010',
    sends: '200 Services made evenly over ten seconds, and A queries for each from its creation on',
    expects:
      'all resolve to their ClusterIPs within the bound after their creation; the median and the 99th percentile are recorded',
    timeoutMs: 180_000,
    run: many,
  },
]

const services = 200

const overMs = 10_000

/** Queries under way at the same time. */
const clients = 10

interface New {
  readonly name: string
  readonly address: string
  readonly createdAtMs: number
}

async function many(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('convergenceMs')
  // why: the namespace is made before the clock runs
  await context.apply([objectOf('first')])
  const waiting: New[] = []
  const tookMs: number[] = []
  const startedAt = performance.now()
  let made = 0
  const making = Promise.all(
    Array.from({ length: services }, async (_, at) => {
      await delay((at * overMs) / services, undefined, { signal: context.signal })
      waiting.push(await create(context, `many-${at}`))
      made += 1
    }),
  )
  const madeInMs = making.then(() => performance.now() - startedAt)
  // why: it is awaited below; until then a failure is not unhandled
  madeInMs.catch(() => undefined)
  const client = async (): Promise<void> => {
    while (made < services || waiting.length > 0) {
      const one = waiting.shift()
      if (one === undefined || !(await resolves(context, one))) {
        const lateMs = one === undefined ? 0 : performance.now() - one.createdAtMs
        if (one !== undefined && lateMs < thresholdMs) waiting.push(one)
        await delay(20, undefined, { signal: context.signal })
        continue
      }
      tookMs.push(performance.now() - one.createdAtMs)
    }
  }
  await Promise.all([making, ...Array.from({ length: clients }, client)])
  const sorted = tookMs.sort((a, b) => a - b)
  const at = (share: number): number =>
    Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? NaN)
  judgement.equal('Services that resolve', services, tookMs.length)
  judgement.atMost('the last one', thresholdMs, sorted.at(-1) ?? Infinity)
  return judgement.assessment(
    `${services} Services made in ${Math.round(await madeInMs)} ms; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`,
    { convergence: { thresholdMs, observedMs: sorted.at(-1) ?? thresholdMs } },
  )
}

async function create({ cluster, namespace, signal }: CheckContext, name: string): Promise<New> {
  const object = objectOf(name)
  const type = await cluster.kube.typeOf(object, { signal })
  const made = await cluster.kube.create<KubeObject>(
    type,
    { ...object, metadata: { ...object.metadata, namespace } },
    { signal },
  )
  const { clusterIP: address = '' } = made['spec'] as { readonly clusterIP?: string }
  return { name, address, createdAtMs: performance.now() }
}

function objectOf(name: string): KubeObject {
  return service(name, [{ port: 80 }], { selector: { app: 'nobody' } })
}

async function resolves(context: CheckContext, { name, address }: New): Promise<boolean> {
  const seen = await ask(context, { name: serviceName(context, name, context.namespace) })
  return dataOf(seen, 'A').join() === address
}
