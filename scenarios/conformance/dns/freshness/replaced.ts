import { setTimeout as delay } from 'node:timers/promises'
import {
  ClusterError,
  type Check,
  type CheckContext,
  type KubeObject,
} from '../../../../harness/api.ts'
import { eventually } from '../../../eventually.ts'
import { clusterIpOf, podsOf } from '../../support/cluster-facts.ts'
import { describeVolley, failuresOf, podsAnswering, volley } from '../../support/connect.ts'
import { serviceName } from '../../support/dns.ts'
import { Judgement } from '../../support/judgement.ts'
import { backendPod, ports, service } from '../../support/objects.ts'
import { inPod } from '../../support/positions.ts'
import { knownMs } from '../expect.ts'
import { removeNow } from './change.ts'
import { milliseconds, turnsInto } from './within.ts'

/** Pods that are replaced by one of the same name with another address, as a StatefulSet does. */
export const replacedPods: readonly Check[] = [
  {
    requirement: 'DNS-HDL-008',
    sends:
      'A queries for web-0.<headless Service> while the pod web-0 is deleted and made again with another address',
    expects: 'the new address, alone, within the bound after the new pod is Ready',
    timeoutMs: 300_000,
    run: hostnameFollows,
  },
  {
    requirement: 'DNSF-007',
    sends:
      "from every node: A queries for a headless Service and connections to a ClusterIP after their only pod was replaced; another backend has the old pod's address by then",
    expects: 'the new address in DNS, and after 30 s no connection that reaches the old address',
    timeoutMs: 300_000,
    run: everyNodeFollows,
  },
]

const labels = { app: 'web' } as const

/** Connections from each node, once the bound has passed. */
const connections = 50

async function hostnameFollows(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('convergenceMs')
  await context.apply([web(context), headlessOf()])
  const question = { name: serviceName(context, 'web-0.web', context.namespace) }
  const before = await addressOf(context, 'web-0')
  await turnsInto(context, judgement, question, {
    label: 'before',
    state: { data: [before] },
    withinMs: knownMs,
  })
  if (!judgement.ok) return judgement.assessment('')
  const after = await replaced(context, before)
  const { tookMs: observedMs } = await turnsInto(context, judgement, question, {
    label: 'after',
    state: { data: [after] },
    withinMs: thresholdMs,
  })
  return judgement.assessment(`${before}, then ${after} after ${milliseconds([observedMs])}`, {
    convergence: { thresholdMs, observedMs },
  })
}

async function everyNodeFollows(context: CheckContext): ReturnType<Check['run']> {
  const judgement = new Judgement()
  const thresholdMs = context.threshold('convergenceMs')
  await context.apply([
    web(context),
    headlessOf(),
    service('virtual', [{ name: 'tcp-0', port: 81, targetPort: ports.tcp }], { selector: labels }),
  ])
  const places = context.nodes.map((_, index) => inPod(context, index))
  const host = await clusterIpOf(context, context.namespace, 'virtual')
  const name = serviceName(context, 'web', context.namespace)
  const before = await addressOf(context, 'web-0')
  for (const at of places)
    await turnsInto(
      context,
      judgement,
      { name, at },
      { label: `${at.node}, before`, state: { data: [before] }, withinMs: knownMs },
    )
  if (!judgement.ok) return judgement.assessment('')
  const after = await replaced(context, before)
  const readyAt = performance.now()
  const tookMs: number[] = []
  for (const at of places) {
    const { tookMs: took } = await turnsInto(
      context,
      judgement,
      { name, at },
      {
        label: `${at.node}, after`,
        state: { data: [after] },
        withinMs: thresholdMs - (performance.now() - readyAt),
      },
    )
    tookMs.push(took)
  }
  const restMs = thresholdMs - (performance.now() - readyAt)
  await delay(Math.max(0, restMs), undefined, { signal: context.signal })
  for (const at of places) {
    const seen = await volley(context, at, { host, port: 81, connections, concurrency: 5 })
    const answered = podsAnswering(seen)
    judgement.holds(
      `${at.node}: who answers ${connections} connections after ${thresholdMs} ms`,
      `${connections} x web-0`,
      describeVolley(seen),
      answered.size === 1 && answered.get('web-0') === connections && failuresOf(seen) === 0,
    )
  }
  const observedMs = Math.max(...tookMs)
  return judgement.assessment(
    `DNS on ${places.length} nodes: ${milliseconds(tookMs)}; the old address is dialled no more`,
    { convergence: { thresholdMs, observedMs } },
  )
}

function web({ backendImage: image, nodes }: CheckContext): KubeObject {
  return backendPod({
    name: 'web-0',
    image,
    labels,
    node: nodes[0]?.name ?? '',
    spec: { hostname: 'web-0', subdomain: 'web' },
  })
}

function headlessOf(): KubeObject {
  return service('web', [{ name: 'tcp-0', port: 81, targetPort: ports.tcp }], {
    clusterIP: 'None',
    selector: labels,
  })
}

/**
 * Deletes web-0, gives its address away where the node hands it out again at once, and makes web-0 again.
 * @returns the new address
 */
async function replaced(context: CheckContext, before: string): Promise<string> {
  await removeNow(context, { apiVersion: 'v1', kind: 'Pod' }, 'web-0')
  const other = backendPod({
    name: 'other',
    image: context.backendImage,
    node: context.nodes[0]?.name ?? '',
  })
  await context.apply([other])
  await addressOf(context, 'other')
  await context.apply([web(context)])
  const after = await addressOf(context, 'web-0')
  if (after === before) throw new ClusterError('not-ready', `the new pod has ${before} again`)
  return after
}

/** How long one pod may take to be Ready, in ms. */
const podReadyMs = 90_000

/** The address of a pod once it is Ready. @throws ClusterError when it does not become so */
async function addressOf(context: CheckContext, name: string): Promise<string> {
  const { seen } = await eventually(
    async () =>
      (await podsOf(context, context.namespace)).find((pod) => pod.name === name && pod.ready),
    (pod) => pod !== undefined,
    { withinMs: podReadyMs, signal: context.signal },
  )
  if (seen === undefined) throw new ClusterError('not-ready', `pod ${name} is not Ready`)
  return seen.ip
}
