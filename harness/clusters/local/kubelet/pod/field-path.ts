import type { Pod } from './pod.ts'

/** What the downward API knows beside the pod itself. */
export interface PodFacts {
  readonly podIp: string
  readonly nodeName: string
  readonly nodeAddress: string
}

/**
 * Resolves a fieldPath of the downward API, e.g. `spec.nodeName` or `metadata.labels['app']`.
 * @throws Error when the path is not one that Kubernetes offers
 */
export function fieldValue(pod: Pod, path: string, facts: PodFacts): string {
  const { metadata, spec } = pod
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path)
  if (keyed !== null) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? ''
  switch (path) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace
    case 'metadata.uid':
      return metadata.uid
    case 'metadata.labels':
      return keyValues(metadata.labels)
    case 'metadata.annotations':
      return keyValues(metadata.annotations)
    case 'spec.nodeName':
      return facts.nodeName
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? 'default'
    case 'status.hostIP':
    case 'status.hostIPs':
      return facts.nodeAddress
    case 'status.podIP':
    case 'status.podIPs':
      return facts.podIp
    default:
      throw new Error(`fieldPath ${path} is not supported`)
  }
}

function keyValues(map: Readonly<Record<string, string>> = {}): string {
  return Object.entries(map)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
    .join('')
}
