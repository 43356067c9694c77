import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { ResourceDefinition, TableColumn } from '../resource-definition.ts'
import { column, define, numberAt, textAt } from './define.ts'

const columns: readonly TableColumn[] = [
  column(
    'Last Seen',
    (object) =>
      textAt(object, 'lastTimestamp') ||
      textAt(object, 'deprecatedLastTimestamp') ||
      textAt(object, 'eventTime'),
    { type: 'date' },
  ),
  column('Type', (object) => textAt(object, 'type')),
  column('Reason', (object) => textAt(object, 'reason')),
  column('Object', aboutCell),
  column('Subobject', (object) => textAt(object, 'involvedObject', 'fieldPath'), { priority: 1 }),
  column('Source', (object) => textAt(object, 'source', 'component'), { priority: 1 }),
  column('Message', (object) => (textAt(object, 'message') || textAt(object, 'note')).trim()),
  column('First Seen', (object) => textAt(object, 'firstTimestamp'), { priority: 1, type: 'date' }),
  column('Count', (object) => numberAt(object, 'count') || 1, { priority: 1 }),
  column('Name', (object) => object.metadata.name, { priority: 1 }),
]

const selectors = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.fieldPath',
  'reason',
  'type',
  'reportingComponent',
  'source',
]

export const event: ResourceDefinition = define({
  kind: 'Event',
  plural: 'events',
  namespaced: true,
  shortNames: ['ev'],
  hasAge: false,
  fieldSelectors: selectors,
  columns,
})

function aboutCell(object: KubeObject): string {
  const about = object['involvedObject'] ?? object['regarding']
  return `${textAt(about, 'kind').toLowerCase()}/${textAt(about, 'name')}`
}
