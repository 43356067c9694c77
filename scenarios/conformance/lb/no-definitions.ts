import {
  type Assessment,
  type Check,
  type CheckContext,
  ClusterError,
  type KubeObject,
  type ResourceType,
} from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { istioGroup } from '../support/destination-rules.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { restartTarget } from '../support/restart.ts'
import { suitePrefix } from '../support/restarts.ts'
import { backendNames, backends } from './backends.fixture.ts'
import { isSpread, ownService } from '../support/balance.ts'

/** How long definitions may take to be gone. */
const goneMs = 60_000

/** A cluster that never heard of Istio. */
export const noDefinitions: readonly Check[] = [
  {
    requirement: 'LB-DR-005',
    capabilities: ['own-cluster'],
    sends:
      'connections and requests to a Service that is made after the definitions of Istio were taken out of the cluster and the agent on the client’s node was restarted',
    expects: 'every backend answers',
    fixtures: [backends],
    timeoutMs: 240_000,
    run: withoutDefinitions,
  },
]

async function withoutDefinitions(context: CheckContext): Promise<Assessment> {
  const { kube } = context.cluster
  const type = await kube.typeOf(
    { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    context,
  )
  const { items } = await kube.list(type, context)
  const definitions = items.filter(({ metadata }) => metadata.name.endsWith(`.${istioGroup}`))
  const objects = (await Promise.all(definitions.map((one) => objectsOf(context, one)))).flat()
  const foreign = objects.filter(
    ({ metadata }) => metadata.namespace?.startsWith(suitePrefix) !== true,
  )
  if (foreign.length > 0)
    return skipped(
      `${foreign.length} object(s) of Istio are in the cluster, and would be lost with their definition`,
    )
  context.keep({ [Symbol.asyncDispose]: () => restored(context, definitions, objects) })
  await Promise.all(definitions.map(async (one) => removed(context, type, one.metadata.name)))
  const judgement = new Judgement()
  await restartTarget(context, inPod(context).node)
  const own = await ownService(context, { fixture: backends })
  const front = { at: inPod(context), host: own.host }
  await isSpread(context, judgement, front, backendNames, { label: 'without definitions' })
  return judgement.assessment(
    `balanced; ${definitions.length} definition(s) were taken out for the while`,
  )
}

/** Definitions as they were, and what other checks of the suite made of them and still need. */
async function restored(
  { cluster }: CheckContext,
  definitions: readonly KubeObject[],
  objects: readonly KubeObject[],
): Promise<void> {
  const options = { signal: AbortSignal.timeout(goneMs) }
  await cluster.apply(definitions.map(plain), options)
  const type = await cluster.kube.typeOf({ apiVersion: 'v1', kind: 'Namespace' }, options)
  for (const object of objects) {
    const name = object.metadata.namespace ?? ''
    const namespace = await cluster.kube.get(type, { name }, options)
    if (namespace !== undefined && namespace.metadata.deletionTimestamp === undefined)
      await cluster.apply([plain(object)], options)
  }
}

/** Objects of a kind in all namespaces. */
async function objectsOf(
  { cluster, signal }: CheckContext,
  { spec }: KubeObject,
): Promise<readonly KubeObject[]> {
  const { names, scope, versions } = spec as {
    readonly names: { readonly kind: string; readonly plural: string }
    readonly scope: string
    readonly versions: readonly { readonly name: string; readonly storage?: boolean }[]
  }
  const version = versions.find(({ storage }) => storage === true)?.name ?? ''
  const { kind, plural } = names
  const namespaced = scope === 'Namespaced'
  const type = { group: istioGroup, version, kind, plural, namespaced }
  const { items } = await cluster.kube.list(type, { signal })
  // why: items of a list may lack both
  return items.map((one) => ({ ...one, apiVersion: `${istioGroup}/${version}`, kind }))
}

async function removed(
  { cluster, signal }: CheckContext,
  type: ResourceType,
  name: string,
): Promise<void> {
  await cluster.kube.delete(type, { name }, { signal })
  const { accepted } = await eventually(
    () => cluster.kube.get(type, { name }, { signal }),
    (found) => found === undefined,
    { withinMs: goneMs, signal },
  )
  if (!accepted) throw new ClusterError('not-ready', `the definition ${name} is not gone`)
}

/** What was in the cluster, without what the server writes. */
function plain({ apiVersion, kind, metadata, spec }: KubeObject): KubeObject {
  const { name, namespace, labels = {}, annotations = {} } = metadata
  const placed = namespace === undefined ? {} : { namespace }
  return { apiVersion, kind, metadata: { name, ...placed, labels, annotations }, spec }
}
