import type { KubeObject } from '../../../../model/kubernetes.ts'
import { ageColumn, type ResourceDefinition } from '../resource-definition.ts'
import { at, column, define, listAt, textAt } from './define.ts'

const rolePrefix = 'node-role.kubernetes.io/'

export const node: ResourceDefinition = define({
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
  shortNames: ['no'],
  hasStatus: true,
  fieldSelectors: ['spec.unschedulable'],
  columns: [
    column('Status', statusCell),
    column('Roles', rolesCell),
    ageColumn,
    column('Version', (object) => textAt(object, 'status', 'nodeInfo', 'kubeletVersion')),
    column('Internal-IP', (object) => addressCell(object, 'InternalIP'), { priority: 1 }),
    column('External-IP', (object) => addressCell(object, 'ExternalIP'), { priority: 1 }),
    column('OS-Image', (object) => textAt(object, 'status', 'nodeInfo', 'osImage') || '<unknown>', {
      priority: 1,
    }),
    column(
      'Kernel-Version',
      (object) => textAt(object, 'status', 'nodeInfo', 'kernelVersion') || '<unknown>',
      { priority: 1 },
    ),
    column(
      'Container-Runtime',
      (object) => textAt(object, 'status', 'nodeInfo', 'containerRuntimeVersion') || '<unknown>',
      { priority: 1 },
    ),
  ],
})

function statusCell(object: KubeObject): string {
  const ready = listAt(object, 'status', 'conditions').find(
    (one) => textAt(one, 'type') === 'Ready',
  )
  const status =
    ready === undefined ? 'Unknown' : textAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady'
  return at(object, 'spec', 'unschedulable') === true ? `${status},SchedulingDisabled` : status
}

function rolesCell(object: KubeObject): string {
  const roles = Object.entries(object.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)]
    return key === 'kubernetes.io/role' && value !== '' ? [value] : []
  })
  return roles.length === 0 ? '<none>' : [...new Set(roles)].sort().join(',')
}

function addressCell(object: KubeObject, type: string): string {
  const found = listAt(object, 'status', 'addresses').find((one) => textAt(one, 'type') === type)
  return found === undefined ? '<none>' : textAt(found, 'address')
}
