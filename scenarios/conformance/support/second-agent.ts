import type { CheckContext, KubeObject } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { objectOf } from './cluster-facts.ts'

export interface Ended {
  /** Exit code of its container; undefined while it runs. */
  readonly code: number | undefined
  readonly log: string
}

export interface SecondAgentInit {
  readonly node: string
  readonly env?: Readonly<Record<string, string>>
  /** More arguments, or with `instead` the only ones. */
  readonly args?: readonly string[]
  readonly instead?: boolean
  /** Waits so long for its end. */
  readonly withinMs: number
}

type Container = Readonly<Record<string, unknown>> & {
  readonly env?: readonly { readonly name: string }[]
  readonly args?: readonly string[]
}

/**
 * Starts a copy of the target's own pod on a node, with other settings, once; it is removed after the check. Undefined
 * where the target has no pods.
 */
export async function secondAgent(
  context: CheckContext,
  { node, env = {}, args = [], instead = false, withinMs }: SecondAgentInit,
): Promise<Ended | undefined> {
  const { cluster, target, signal } = context
  if (target.pods === undefined) return undefined
  const { namespace, labelSelector } = target.pods
  const type = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, context)
  const { items } = await cluster.kube.list(type, {
    namespace,
    labelSelector,
    fieldSelector: `spec.nodeName=${node}`,
    signal,
  })
  const [first] = items
  if (first === undefined) throw new Error(`no pod of the target on ${node}`)
  const spec = first['spec'] as { readonly containers: readonly Container[] }
  const [container = {}, ...others] = spec.containers
  const { readinessProbe: _r, livenessProbe: _l, ...rest } = container
  const own = {
    ...rest,
    env: [
      ...(container.env ?? []).filter(({ name }) => !(name in env)),
      ...Object.entries(env).map(([name, value]) => ({ name, value })),
    ],
    args: instead ? args : [...(container.args ?? []), ...args],
  }
  const name = `second-${String(context.seed % 100_000)}`
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { ...spec, nodeName: node, restartPolicy: 'Never', containers: [own, ...others] },
  }
  const applied = await context.apply([pod])
  const { seen: code } = await eventually(
    async () => exitCode(await objectOf(context, pod, { namespace, name })),
    (is) => is !== undefined,
    { withinMs, everyMs: 200, signal },
  )
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log`
  const { body } = await cluster.kube.request('GET', path, { signal })
  await applied[Symbol.asyncDispose]()
  context.evidence('log', name, body)
  return { code, log: body }
}

function exitCode({ status }: KubeObject): number | undefined {
  const { containerStatuses = [] } = (status ?? {}) as {
    readonly containerStatuses?: readonly {
      readonly state?: { readonly terminated?: { readonly exitCode?: number } }
    }[]
  }
  return containerStatuses[0]?.state?.terminated?.exitCode
}
