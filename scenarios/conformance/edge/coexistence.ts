import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext, KubeObject } from '../../../harness/api.ts'
import { backends } from '../l4/backends.fixture.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { backendPod, everyPort, service } from '../support/objects.ts'
import { restarted } from '../support/outage.ts'
import { inPod, onHost } from '../support/positions.ts'
import { describeSeen, keepLooking, type Look, nameHas, tcpAnswered } from '../support/steady.ts'
import { holdWithin, whenKnown } from './scene.ts'

const filterLabel = 'service.edgemesh.kubeedge.io/service-proxy-name'

const lookMs = 100

/** How long the agents of a node are watched after they were replaced. */
const settledMs = 3_000

/** The mesh and what else serves Services, or is served by them. */
export const coexistence: readonly Check[] = [
  {
    requirement: 'EDGE-COX-006',
    sends: 'connections to two Services with the same pod, one of which has the filter label',
    expects:
      'the one without it is answered; the labelled one is not, or, where kube-proxy runs, by way of kube-proxy',
    run: async (context) => {
      const { plain, labelled } = await filtered(context, { [filterLabel]: '' })
      const judgement = new Judgement()
      const withinMs = context.threshold('convergenceMs')
      const known = await holdWithin(context, [plain], withinMs)
      judgement.holds('the Service without the label', 'answered', known.seen, known.accepted)
      return leftAlone(context, judgement, labelled)
    },
  },
  {
    requirement: 'EDGE-COX-008',
    sends: 'connections to a Service that gets the filter label while all runs, and loses it',
    expects: 'it is left alone in time, and served again in time',
    run: async (context) => {
      if (context.cluster.kubeProxyConnections !== undefined)
        return skipped('kube-proxy serves it either way: nobody could tell which of them does')
      const { labelled: look } = await filtered(context, {})
      const withinMs = context.threshold('convergenceMs')
      const judgement = new Judgement()
      const before = await holdWithin(context, [look], 30_000)
      judgement.holds('without the label', 'answered', before.seen, before.accepted)
      await label(context, '')
      const unserved = await holdWithin(context, [not(look)], withinMs)
      judgement.holds('with the label', 'left alone', unserved.seen, unserved.accepted)
      await label(context, null)
      const again = await holdWithin(context, [look], withinMs)
      judgement.holds('without it again', 'answered', again.seen, again.accepted)
      return judgement.assessment(
        `left alone after ${Math.round(unserved.tookMs)} ms, served again after ${Math.round(again.tookMs)} ms`,
      )
    },
  },
  {
    requirement: 'EDGE-COX-009',
    sends: 'HTTPS to the ClusterIP of default/kubernetes from pods and nodes',
    expects: 'the API server answers, with the version that it tells everybody',
    capabilities: ['node-access'],
    run: async (context) => {
      const ip = await clusterIpOf(context, 'default', 'kubernetes')
      const looks = [0, 1].flatMap((index) =>
        [inPod(context, index), onHost(context, index)].map((at) => apiAnswers(context, at, ip)),
      )
      const { accepted, seen } = await holdWithin(
        context,
        looks,
        context.threshold('convergenceMs'),
      )
      return new Judgement()
        .holds('default/kubernetes', 'the API server answers', seen, accepted)
        .assessment(`the API server answered ${looks.length} clients at ${ip}`)
    },
  },
  {
    requirement: 'EDGE-COX-012',
    sends:
      'the agent is replaced (SIGTERM) node by node, with requests by name and by address on each node all the time',
    expects:
      'on no node more failed connections than the budget; names are away no longer than a resolver tries',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 240_000,
    run: whenKnown(async (context, { ip, name, traffic }) => {
      const judgement = new Judgement()
      const told: string[] = []
      const elsewhere = tcpAnswered(context, inPod(context, 1), ip, 81, ['web-0', 'web-1', 'web-2'])
      for (const index of [0, 1]) {
        const watch = keepLooking(context, [...traffic, elsewhere], { everyMs: lookMs })
        const asked = keepLooking(context, [nameHas(context, inPod(context, index), name, [ip])], {
          everyMs: lookMs,
        })
        await restarted(context, index, 'term')
        await delay(settledMs, undefined, context)
        const seen = await watch.stop()
        const unnamed = (await asked.stop()).wrong * lookMs
        const node = inPod(context, index).node
        const percent = (seen.wrong / seen.looks) * 100
        judgement
          .atMost(
            `connections failed while ${node}`,
            context.threshold('failedPercent'),
            percent,
            '%',
          )
          .atMost(`names failed while ${node}`, context.threshold('namesAwayMs'), unnamed)
        told.push(`${node}: ${describeSeen(seen)}, names not answered for ${unnamed} ms`)
      }
      return judgement.assessment(told.join('; '))
    }),
  },
  {
    requirement: 'EDGE-COX-013',
    sends:
      'connections from every edge node to a Service whose only pod is on the control plane node',
    expects: 'each is answered',
    capabilities: ['node-access'],
    run: async (context) => {
      const master = context.cluster.nodes.find(({ role }) => role === 'master')?.name ?? ''
      await context.apply([
        backendPod({
          name: 'above-0',
          image: context.backendImage,
          node: master,
          labels: { app: 'above' },
        }),
        service('above', everyPort),
      ])
      const ip = await clusterIpOf(context, context.namespace, 'above')
      const looks = [0, 1].flatMap((index) =>
        [inPod(context, index), onHost(context, index)].map((at) =>
          tcpAnswered(context, at, ip, 81, ['above-0']),
        ),
      )
      const { accepted, seen, tookMs } = await holdWithin(
        context,
        looks,
        context.threshold('convergenceMs'),
      )
      return new Judgement()
        .holds('connections', 'all answered', seen, accepted)
        .assessment(`${looks.length} clients were answered within ${Math.round(tookMs)} ms`)
    },
  },
]

/** Two Services with the same pod: `plain`, and `labelled` with these labels. */
async function filtered(
  context: CheckContext,
  labels: Readonly<Record<string, string>>,
): Promise<{ readonly plain: Look; readonly labelled: Look }> {
  const selector = { app: 'both' }
  const second: KubeObject = service('labelled', everyPort, { selector })
  await context.apply([
    backendPod({ name: 'both-0', image: context.backendImage, labels: selector }),
    service('plain', everyPort, { selector }),
    { ...second, metadata: { ...second.metadata, labels } },
  ])
  const look = async (name: string): Promise<Look> => {
    const ip = await clusterIpOf(context, context.namespace, name)
    return tcpAnswered(context, inPod(context), ip, 81, ['both-0'])
  }
  return { plain: await look('plain'), labelled: await look('labelled') }
}

async function leftAlone(
  context: CheckContext,
  judgement: Judgement,
  labelled: Look,
): ReturnType<Check['run']> {
  const { cluster } = context
  const count = cluster.kubeProxyConnections?.bind(cluster)
  if (count === undefined) {
    const problem = await labelled.look()
    return judgement
      .holds('the labelled one', 'not answered', problem ?? 'answered', problem !== undefined)
      .assessment(`not answered: ${problem ?? ''}`)
  }
  const before = (await count(context)) ?? 0
  const problem = await labelled.look()
  const grown = ((await count(context)) ?? 0) - before
  return judgement
    .equal('the labelled one', undefined, problem)
    .atLeast('connections that came to kube-proxy', 1, grown, 'connections')
    .assessment('kube-proxy served the labelled one')
}

function not({ name, look }: Look): Look {
  return {
    name,
    look: async () => ((await look()) === undefined ? 'answered' : undefined),
  }
}

/** @param value - null takes the label off */
async function label(context: CheckContext, value: string | null): Promise<void> {
  const { kube } = context.cluster
  const type = await kube.typeOf({ apiVersion: 'v1', kind: 'Service' }, context)
  const patch = { metadata: { labels: { [filterLabel]: value } } }
  const key = { namespace: context.namespace, name: 'labelled' }
  await kube.patch(type, key, patch, { type: 'merge', signal: context.signal })
}

/** A request that needs no certificate and no right. */
const askApi = (ip: string): string => `
require('node:https').get({ host: '${ip}', path: '/version', rejectUnauthorized: false }, (answer) => {
  let text = ''
  answer.on('data', (chunk) => (text += chunk)).on('end', () => console.log(answer.statusCode, text))
}).on('error', (error) => console.log(error.code)).setTimeout(5000, function () { this.destroy() })`

/** The API server answers at this address. */
export function apiAnswers(context: CheckContext, at: ReturnType<typeof inPod>, ip: string): Look {
  return {
    name: `${ip}:443 from ${at.network} of ${at.node}`,
    look: async () => {
      const probe = await context.probe(at)
      const argv = ['node', '-e', askApi(ip)] as const
      const seen = await probe.run({ kind: 'command', argv: [...argv], timeoutMs: 15_000 }, context)
      if (seen.kind !== 'exited') return seen.kind
      // why: 401 and 403 are the API server's as well, where it tells strangers nothing
      return /gitVersion|"kind": ?"Status"/.test(seen.stdout)
        ? undefined
        : seen.stdout + seen.stderr
    },
  }
}
