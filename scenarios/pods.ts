import type { KubeObject, ScenarioContext } from '../harness/api.ts'
import { eventually } from './eventually.ts'
import { namespaceOf } from './manifests.ts'
import { part } from './walkthrough/facts.ts'

/** Pulling the image included: what a first start on a slow edge node takes. */
const podRunningMs = 120_000

export interface PodFacts {
  readonly name: string
  readonly ip: string
  readonly node: string
  readonly isReady: boolean
}

/** Waits until a pod with the label `app=<app>` is ready on a node; undefined when none is in time. */
export async function readyPod(
  context: ScenarioContext,
  app: string,
  node: string,
): Promise<PodFacts | undefined> {
  const { kube } = context.cluster
  const pods = await kube.typeOf({ apiVersion: 'v1', kind: 'Pod' }, context)
  const { seen } = await eventually(
    async () => {
      const namespace = namespaceOf(context)
      const query = { namespace, labelSelector: `app=${app}`, signal: context.signal }
      const { items } = await kube.list(pods, query)
      return items.map(factsOf).find((pod) => pod.isReady && pod.node === node)
    },
    (found) => found !== undefined,
    { withinMs: podRunningMs, everyMs: 20, signal: context.signal },
  )
  return seen
}

function factsOf(pod: KubeObject): PodFacts {
  const { nodeName = '' } = part<{ nodeName?: string }>(pod, 'spec')
  const { podIP = '', conditions = [] } = part<{
    podIP?: string
    conditions?: readonly { type: string; status: string }[]
  }>(pod, 'status')
  const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  return { name: pod.metadata.name, ip: podIP, node: nodeName, isReady }
}

interface DeploymentSpec {
  readonly template: { readonly spec: Readonly<Record<string, unknown>> }
}

/** The manifests with every Deployment pinned to a node. */
export function pinned(manifests: readonly KubeObject[], node: string): readonly KubeObject[] {
  return manifests.map((manifest) => {
    if (manifest.kind !== 'Deployment') return manifest
    const spec = part<DeploymentSpec>(manifest, 'spec')
    const template = {
      ...spec.template,
      spec: { ...spec.template.spec, nodeSelector: { 'kubernetes.io/hostname': node } },
    }
    return { ...manifest, spec: { ...spec, template } }
  })
}
