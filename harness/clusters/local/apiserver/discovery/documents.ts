import { everyVerb } from '../registry.ts'
import type { Registry, ServedResource } from '../registry.ts'
import { subresourcesOf } from '../subresources/catalogue.ts'
import { groupsOf } from './groups.ts'
import type { ServedGroup } from './groups.ts'

/** `/api`: the core group's versions. */
export function coreVersions(serverAddress: string): unknown {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  }
}

/** `/apis`: every other group. */
export function groupList(registry: Registry): unknown {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groupsOf(registry)
      .filter((group) => group.name !== '')
      .map(groupEntry),
  }
}

/** `/apis/<group>` */
export function groupDocument(registry: Registry, name: string): unknown {
  const group = groupsOf(registry).find((candidate) => candidate.name === name)
  return group === undefined
    ? undefined
    : { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) }
}

/** `/api/v1` and `/apis/<group>/<version>`; undefined when nothing is served there. */
export function resourceList(registry: Registry, group: string, version: string): unknown {
  const resources = registry
    .all()
    .filter(({ definition }) => definition.group === group && definition.version === version)
  if (resources.length === 0) return undefined
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: resources.flatMap(resourceEntries),
  }
}

/**
 * The aggregated form: everything in one answer.
 * @param isCore - for `/api`, else for `/apis`
 * @param version - `v2` or `v2beta1` of apidiscovery.k8s.io
 */
export function aggregated(registry: Registry, isCore: boolean, version: string): unknown {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groupsOf(registry)
      .filter((group) => (group.name === '') === isCore)
      .map((group) => ({
        metadata: { ...(!isCore && { name: group.name }), creationTimestamp: null },
        versions: group.versions.map(({ version: served, resources }) => ({
          version: served,
          resources: resources.map(aggregatedEntry),
          freshness: 'Current',
        })),
      })),
  }
}

function groupEntry(group: ServedGroup): Record<string, unknown> {
  const versions = group.versions.map(({ version }) => ({
    groupVersion: `${group.name}/${version}`,
    version,
  }))
  return { name: group.name, versions, preferredVersion: versions[0] }
}

function resourceEntries(resource: ServedResource): readonly unknown[] {
  const { definition } = resource
  return [
    {
      name: definition.plural,
      singularName: definition.singular,
      namespaced: definition.namespaced,
      kind: definition.kind,
      verbs: definition.verbs ?? everyVerb,
      ...(definition.shortNames.length > 0 && { shortNames: definition.shortNames }),
      ...(definition.categories.length > 0 && { categories: definition.categories }),
    },
    ...subresourcesOf(definition).map((subresource) => ({
      name: `${definition.plural}/${subresource.name}`,
      singularName: '',
      namespaced: definition.namespaced,
      ...(subresource.group !== undefined && { group: subresource.group }),
      ...(subresource.version !== undefined && { version: subresource.version }),
      kind: subresource.kind,
      verbs: subresource.verbs,
    })),
  ]
}

function aggregatedEntry({ definition }: ServedResource): unknown {
  const { group, version, kind } = definition
  const subresources = subresourcesOf(definition).map((subresource) => ({
    subresource: subresource.name,
    responseKind: {
      group: subresource.group ?? group,
      version: subresource.version ?? version,
      kind: subresource.kind,
    },
    verbs: subresource.verbs,
  }))
  return {
    resource: definition.plural,
    responseKind: { group, version, kind },
    scope: definition.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: definition.singular,
    verbs: definition.verbs ?? everyVerb,
    ...(definition.shortNames.length > 0 && { shortNames: definition.shortNames }),
    ...(definition.categories.length > 0 && { categories: definition.categories }),
    ...(subresources.length > 0 && { subresources }),
  }
}
