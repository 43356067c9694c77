import {
  ClusterError,
  type Check,
  type CheckContext,
  type KubeObject,
} from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { podsOf } from '../support/cluster-facts.ts'
import { askUntil, dataOf, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { backendPod, ports, service } from '../support/objects.ts'
import { expectRecords } from './expect.ts'

/**
 * publishNotReadyAddresses. With real pods: Kubernetes' own controller writes the field into the EndpointSlices' `ready`,
 * and who reads only those may trust it (API reference of the field), as CoreDNS does.
 */
export const notReady: readonly Check[] = [
  {
    requirement: 'DNS-PNR-001',
    sends:
      'an A query for a headless Service with publishNotReadyAddresses and two pods, one of which never becomes Ready',
    expects: 'the addresses of both',
    timeoutMs: 180_000,
    run: async (context) => {
      const judgement = new Judgement()
      await context.apply([...pods(context), published(true)])
      const { ready, unready } = await running(context)
      await expectRecords(context, judgement, { name: nameIn(context) }, { data: [ready, unready] })
      return judgement.assessment(`${ready} is Ready, ${unready} is not`)
    },
  },
  {
    requirement: 'DNS-PNR-002',
    sends:
      'A queries while publishNotReadyAddresses of a headless Service with a Ready and an unready pod goes on and off again',
    expects: 'the unready one comes and goes within the bound',
    timeoutMs: 240_000,
    run: flips,
  },
]

async function flips(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('convergenceMs')
  await context.apply([...pods(context), published(false)])
  const { ready, unready } = await running(context)
  const name = nameIn(context)
  await expectRecords(context, judgement, { name }, { data: [ready] })
  const tookMs: number[] = []
  for (const isPublished of [true, false]) {
    if (!judgement.ok) break
    await context.apply([published(isPublished)])
    const wanted = (isPublished ? [ready, unready] : [ready]).sort()
    const { seen, tookMs: took } = await askUntil(
      context,
      { name },
      (answer) => dataOf(answer, 'A').join() === wanted.join(),
      thresholdMs,
    )
    tookMs.push(took)
    judgement.set(isPublished ? 'on' : 'off again', wanted, dataOf(seen, 'A'))
  }
  return judgement.assessment(`on, then off: ${tookMs.map(Math.round).join(' and ')} ms`, {
    convergence: { thresholdMs, observedMs: Math.max(0, ...tookMs) },
  })
}

const labels = { app: 'pair' } as const

function pods({ backendImage: image }: CheckContext): readonly KubeObject[] {
  const never = { httpGet: { path: '/never', port: ports.control }, periodSeconds: 1 }
  return [
    backendPod({ name: 'ready', image, labels }),
    backendPod({ name: 'unready', image, labels, container: { readinessProbe: never } }),
  ]
}

function published(publishNotReadyAddresses: boolean): KubeObject {
  return service('pair', [{ name: 'http', port: 80, targetPort: ports.http }], {
    clusterIP: 'None',
    selector: labels,
    publishNotReadyAddresses,
  })
}

/** How long two pods may take to run, in ms. */
const runningMs = 90_000

/** Waits until both have an address and the one is Ready. @throws ClusterError when they do not */
async function running(
  context: CheckContext,
): Promise<{ readonly ready: string; readonly unready: string }> {
  const { seen } = await eventually(
    () => podsOf(context, context.namespace),
    (all) => all.length === 2 && all.filter(({ ready }) => ready).length === 1,
    { withinMs: runningMs, signal: context.signal },
  )
  const [ready, unready] = [seen.find((pod) => pod.ready), seen.find((pod) => !pod.ready)]
  if (ready === undefined || unready === undefined)
    throw new ClusterError(
      'not-ready',
      `want a Ready pod and one that is not: ${JSON.stringify(seen)}`,
    )
  return { ready: ready.ip, unready: unready.ip }
}

function nameIn(context: CheckContext): string {
  return serviceName(context, 'pair', context.namespace)
}
