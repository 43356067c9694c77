import type { CheckContext } from '../../../harness/api.ts'
import { objectOf } from '../support/cluster-facts.ts'

const serviceKind = { apiVersion: 'v1', kind: 'Service' }

interface Spec {
  readonly healthCheckNodePort?: number
  readonly ports?: readonly { readonly nodePort?: number; readonly port: number }[]
}

/** The nodePort of the first port of a Service of the check's own. */
export async function nodePortOf(context: CheckContext, name: string): Promise<number> {
  const { namespace } = context
  const { ports = [] } = (await objectOf(context, serviceKind, { namespace, name }))['spec'] as Spec
  const nodePort = ports[0]?.nodePort ?? 0
  if (nodePort === 0) throw new Error(`Service ${name} has no nodePort`)
  return nodePort
}

/** Where Kubernetes' default range begins, and how many ports there are in it. */
const [first, count] = [30_000, 2_768]

/** A port of the default range that no Service has, drawn from the row's seed. */
export async function freeNodePort(context: CheckContext): Promise<number> {
  const { cluster, signal, seed } = context
  const { items } = await cluster.kube.list(await cluster.kube.typeOf(serviceKind, { signal }), {
    signal,
  })
  const used = new Set(
    items.flatMap((item) => {
      const { ports = [], healthCheckNodePort } = item['spec'] as Spec
      return [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort]
    }),
  )
  for (let i = 0; i < count; i += 1) {
    const port = first + ((seed + i) % count)
    if (!used.has(port)) return port
  }
  throw new Error('every nodePort is used')
}
