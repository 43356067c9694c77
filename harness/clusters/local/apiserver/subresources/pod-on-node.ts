import type { KubeObject } from '../../../../model/kubernetes.ts'
import { badRequest, notFound } from '../api-errors.ts'
import { isArray, isObject, valueAt } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { ResourceRequest, ServerParts } from '../http/request-context.ts'
import { ApiError } from '../resource-definition.ts'
import { storageKey } from '../storage/store.ts'

/** A pod, one of its containers, and where its kubelet is. */
export interface PodOnNode {
  readonly pod: KubeObject
  readonly container: string
  readonly kubelet: { readonly host: string; readonly port: number; readonly token: string }
}

const usualKubeletPort = 10_250

/**
 * Finds what a log, exec or attach request is about.
 * @throws ApiError 404 or 400 in the real server's words, 503 when the node is not known
 */
export function podOnNode({
  parts,
  resource,
  path,
  query,
}: Pick<ResourceRequest, 'parts' | 'resource' | 'path' | 'query'>): PodOnNode {
  const name = path.name ?? ''
  const pod = resource.storage.get(storageKey(path.namespace, name))
  if (pod === undefined) throw notFound(resource.definition, name)
  const container = containerOf(pod, query.get('container') ?? '')
  const node = valueAt(pod, ['spec', 'nodeName'])
  if (typeof node !== 'string' || node === '') {
    throw badRequest(`pod ${name} does not have a host assigned`)
  }
  return { pod, container, kubelet: kubeletOf(parts, node) }
}

function containerOf(pod: KubeObject, wanted: string): string {
  const lists = ['containers', 'initContainers', 'ephemeralContainers']
  const [names = [], initNames = [], others = []] = lists.map((list) => namesAt(pod, list))
  const { name } = pod.metadata
  if (wanted !== '') {
    if ([...names, ...initNames, ...others].includes(wanted)) return wanted
    throw badRequest(`container ${wanted} is not valid for pod ${name}`)
  }
  const [first] = names
  if (names.length === 1 && first !== undefined) return first
  const inits =
    initNames.length > 0 ? ` or one of the init containers: [${initNames.join(' ')}]` : ''
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]${inits}`,
  )
}

function namesAt(pod: KubeObject, list: string): readonly string[] {
  const containers = valueAt(pod, ['spec', list])
  return isArray(containers) ? containers.filter(isObject).map((one) => String(one['name'])) : []
}

function kubeletOf(parts: ServerParts, node: string): PodOnNode['kubelet'] {
  const object = parts.environment.registry.find('', 'v1', 'nodes')?.storage.get(node)
  const addresses = valueAt(object, ['status', 'addresses'])
  const internal = isArray(addresses)
    ? addresses.filter(isObject).find((address) => address['type'] === 'InternalIP')
    : undefined
  const port = valueAt(object, ['status', 'daemonEndpoints', 'kubeletEndpoint', 'Port'])
  const token = parts.tokens.tokenOf(`system:node:${node}`)
  if (internal === undefined || token === undefined) {
    throw new ApiError(
      503,
      'ServiceUnavailable',
      `the kubelet of node ${node} cannot be reached: ${internal === undefined ? 'the node has no InternalIP' : 'the API server has no token for it'}`,
      {},
    )
  }
  return {
    host: String(internal['address']),
    port: typeof port === 'number' ? port : usualKubeletPort,
    token,
  }
}

/** The state of one container as its kubelet reported it. */
export function stateOf(pod: KubeObject, container: string): JsonObject | undefined {
  for (const list of ['containerStatuses', 'initContainerStatuses']) {
    const statuses = valueAt(pod, ['status', list])
    if (!isArray(statuses)) continue
    const found = statuses.filter(isObject).find((status) => status['name'] === container)
    if (found !== undefined) return found
  }
  return undefined
}
