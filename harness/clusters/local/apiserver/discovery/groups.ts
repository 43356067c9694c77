import type { Registry, ServedResource } from '../registry.ts'

/** The versions of one group that are served, best first. */
export interface ServedGroup {
  readonly name: string
  readonly versions: readonly {
    readonly version: string
    readonly resources: readonly ServedResource[]
  }[]
}

/** Groups in the order in which clients should prefer them: core, then built-in ones, then custom ones. */
export function groupsOf(registry: Registry): readonly ServedGroup[] {
  const groups = new Map<string, Map<string, ServedResource[]>>()
  for (const resource of registry.all()) {
    const { group, version } = resource.definition
    const versions = groups.get(group) ?? new Map<string, ServedResource[]>()
    groups.set(group, versions)
    const resources = versions.get(version) ?? []
    versions.set(version, resources)
    resources.push(resource)
  }
  return [...groups].map(([name, versions]) => ({
    name,
    versions: [...versions]
      .sort(([a], [b]) => compareVersions(a, b))
      .map(([version, resources]) => ({ version, resources })),
  }))
}

/** Orders v2, v1, v1beta2, v1beta1, v1alpha3, anything else (k8s.io/apimachinery version.CompareKubeAwareVersionStrings). */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)]
  if (left === undefined || right === undefined) {
    if (left !== undefined) return -1
    return right === undefined ? (a < b ? -1 : 1) : 1
  }
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor
}

function parse(version: string) {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (match === null) return undefined
  const [, major, stage, minor] = match
  const stability = stage === undefined ? 2 : stage === 'beta' ? 1 : 0
  return { stability, major: Number(major), minor: Number(minor ?? 0) }
}
