import type { ResourceDefinition } from '../resource-definition.ts'
import { column, define, inside, listAt, textAt } from './define.ts'

export const namespace: ResourceDefinition = define({
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  shortNames: ['ns'],
  hasStatus: true,
  nameRule: 'dns1123-label',
  fieldSelectors: ['status.phase'],
  columns: [column('Status', (object) => textAt(object, 'status', 'phase'))],
  applyDefaults: (object) => {
    const labels = inside(object.metadata, 'labels')
    labels['kubernetes.io/metadata.name'] = object.metadata['name']
  },
  prepareForCreate: (object) => {
    inside(object, 'spec')['finalizers'] = ['kubernetes']
    object['status'] = { phase: 'Active' }
  },
  prepareForUpdate: (object, old) => {
    inside(object, 'spec')['finalizers'] = [...listAt(old, 'spec', 'finalizers')]
  },
  isHeldBack: (object) => listAt(object, 'spec', 'finalizers').length > 0,
  beginDeletion: (object) => {
    inside(object, 'status')['phase'] = 'Terminating'
  },
})
