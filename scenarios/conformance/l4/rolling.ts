import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { clusterIpOf, objectOf } from '../support/cluster-facts.ts'
import { failuresOf, volley } from '../support/connect.ts'
import { Judgement } from '../support/judgement.ts'
import { backendDeployment, ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { look } from './follow.ts'

const name = 'rolling'
const replicas = 3
const deploymentKind = { apiVersion: 'apps/v1', kind: 'Deployment' } as const

/** Ten requests, five times a second. */
const [requests, everyMs] = [10, 200]

/** How long pods may take to be replaced. */
const rolloutMs = 90_000

/** The contract of a rolling update: who leaves has 5 s in which no new connection may come. */
export const rolling: readonly Check[] = [
  {
    requirement: 'L4-RDY-007',
    sends:
      '50 HTTP requests per second from a pod, on new connections, to a Service while its Deployment is rolled out anew; preStop is 5 s',
    expects: 'every pod is replaced and not one request fails',
    timeoutMs: 240_000,
    run: async (context) => {
      await context.apply([
        backendDeployment({
          name,
          image: context.backendImage,
          replicas,
          spec: { terminationGracePeriodSeconds: 30 },
          container: { lifecycle: { preStop: { exec: { command: ['sh', '-c', 'sleep 5'] } } } },
        }),
        service(name, [{ name: 'raw', port: 84, targetPort: ports.http }]),
      ])
      const host = await clusterIpOf(context, context.namespace, name)
      const front = { at: inPod(context), host, port: 84, http: true }
      if (!(await rolledOut(context))) throw new Error('the first pods are not there in time')
      const judgement = new Judgement()
      const { accepted } = await eventually(
        () => look(context, front, requests),
        (seen) => failuresOf(seen) === 0,
        { withinMs: context.threshold('convergenceMs'), signal: context.signal },
      )
      judgement.holds('before: the Service', 'answers', accepted ? 'answers' : 'does not', accepted)
      if (!accepted) return judgement.assessment('')
      await rollOut(context)
      const over = { done: false }
      const rollout = rolledOut(context).finally(() => {
        over.done = true
      })
      const seen = new Map<string, number>()
      let asked = 0
      while (!over.done) {
        const next = delay(everyMs, undefined, { signal: context.signal })
        const { failures, answers } = await volley(context, front.at, {
          host,
          port: front.port,
          connections: requests,
          concurrency: requests,
          connectionTimeoutMs: 10_000,
          http: [{ path: '/' }],
        })
        asked += requests
        for (const [kind, count] of Object.entries(failures))
          seen.set(kind, (seen.get(kind) ?? 0) + count)
        for (const { answer, count } of answers) seen.set(answer, (seen.get(answer) ?? 0) + count)
        await next
      }
      if (!(await rollout)) throw new Error(`the pods were not replaced in ${rolloutMs / 1000} s`)
      const failed = [...seen].filter(([key]) => !key.startsWith(`${name}-`))
      judgement.equal('failed requests', {}, Object.fromEntries(failed))
      judgement.atLeast('pods that answered in turn', replicas + 1, seen.size, 'pods')
      return judgement.assessment(`${asked} requests during the update, none failed`)
    },
  },
]

async function rollOut({ cluster, namespace, signal }: CheckContext): Promise<void> {
  const { kube } = cluster
  await kube.patch(
    await kube.typeOf(deploymentKind, { signal }),
    { namespace, name },
    { spec: { template: { metadata: { annotations: { 'meshmark.dev/turn': 'second' } } } } },
    { type: 'merge', signal },
  )
}

/** Waits until every pod is of the newest template and available; false when they are not in time. */
async function rolledOut(context: CheckContext): Promise<boolean> {
  const { accepted } = await eventually(
    async () => {
      const { metadata, status } = await objectOf(context, deploymentKind, {
        namespace: context.namespace,
        name,
      })
      const numbers = (status ?? {}) as Readonly<Record<string, number | undefined>>
      return (
        (numbers['observedGeneration'] ?? 0) >= (metadata.generation ?? Infinity) &&
        ['replicas', 'updatedReplicas', 'availableReplicas'].every(
          (key) => numbers[key] === replicas,
        )
      )
    },
    (isOver) => isOver,
    { withinMs: rolloutMs, everyMs: 200, signal: context.signal },
  )
  return accepted
}
