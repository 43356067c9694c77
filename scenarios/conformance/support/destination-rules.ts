import { type CheckContext, KubeError, type KubeObject } from '../../../harness/api.ts'

type Context = Pick<CheckContext, 'cluster' | 'signal' | 'keepForAll'>

/** Istio's group, and the version that every Istio since 1.5 serves. */
export const istioGroup = 'networking.istio.io'
const apiVersion = `${istioGroup}/v1beta1`

/** The header that `byHeader` hashes. */
export const hashedHeader = 'X-User'

interface LoadBalancer {
  readonly simple?: string
  readonly consistentHash?: Readonly<Record<string, unknown>>
}

/** Load balancers of a DestinationRule's trafficPolicy. */
export const byHeader: LoadBalancer = { consistentHash: { httpHeaderName: hashedHeader } }
export const bySource: LoadBalancer = { consistentHash: { useSourceIp: true } }

/**
 * A DestinationRule for a Service of its namespace. Its name is the Service's (EdgeMesh goes by that) and so is its host
 * (Istio goes by that), unless told.
 */
export function destinationRule(
  service: string,
  loadBalancer: LoadBalancer | undefined,
  {
    name = service,
    namespace,
    host = service,
    spec = {},
  }: {
    readonly name?: string
    readonly namespace?: string
    readonly host?: string
    readonly spec?: object
  } = {},
): KubeObject {
  return {
    apiVersion,
    kind: 'DestinationRule',
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    spec: { host, ...(loadBalancer !== undefined && { trafficPolicy: { loadBalancer } }), ...spec },
  }
}

/** What makes the API serve DestinationRules, in as few words as there are: any fields, all versions that Istio serves. */
function definition(): KubeObject {
  const schema = {
    openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `destinationrules.${istioGroup}` },
    spec: {
      group: istioGroup,
      scope: 'Namespaced',
      names: {
        kind: 'DestinationRule',
        listKind: 'DestinationRuleList',
        plural: 'destinationrules',
        singular: 'destinationrule',
      },
      versions: ['v1', 'v1beta1', 'v1alpha3'].map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        schema,
      })),
    },
  }
}

/**
 * Has the API serve DestinationRules. A definition that is there already, of Istio or of the target, is left as it is; ours
 * stays until the last check is through, and is made in clusters of meshmark alone: where nobody could define them, no rule
 * of anybody is lost with it.
 * @throws Error in any other cluster that does not serve them
 */
export async function defineDestinationRules(context: Context): Promise<void> {
  if (await isServed(context)) return
  if (!context.cluster.capabilities.has('definitions'))
    throw new Error(
      'this cluster does not serve DestinationRules, and it is not ours to define them: apply the definitions of Istio first',
    )
  context.keepForAll(await context.cluster.apply([definition()], context))
}

async function isServed({
  cluster,
  signal,
}: Pick<Context, 'cluster' | 'signal'>): Promise<boolean> {
  try {
    await cluster.kube.typeOf({ apiVersion, kind: 'DestinationRule' }, { signal })
    return true
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return false
    throw error
  }
}
