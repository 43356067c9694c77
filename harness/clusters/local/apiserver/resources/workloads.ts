import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { FieldError, ResourceDefinition } from '../resource-definition.ts'
import {
  at,
  column,
  define,
  dropStatus,
  fill,
  inside,
  numberAt,
  selects,
  selectorText,
  templateColumns,
} from './define.ts'
import { immutable, invalid, oneOf, required } from './errors.ts'
import { defaultPodSpec, podSpecErrors } from './pod-template.ts'

const scale = {
  specReplicas: 'spec.replicas',
  statusReplicas: 'status.replicas',
  selector: 'spec.selector',
}

export const deployment: ResourceDefinition = define({
  group: 'apps',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
  shortNames: ['deploy'],
  categories: ['all'],
  hasStatus: true,
  countsGeneration: true,
  scale,
  columns: [
    column(
      'Ready',
      (object) =>
        `${numberAt(object, 'status', 'readyReplicas')}/${numberAt(object, 'spec', 'replicas')}`,
    ),
    column('Up-to-date', (object) => numberAt(object, 'status', 'updatedReplicas'), {
      type: 'integer',
    }),
    column('Available', (object) => numberAt(object, 'status', 'availableReplicas'), {
      type: 'integer',
    }),
    ...templateColumns(),
  ],
  applyDefaults: (object) => {
    const spec = inside(object, 'spec')
    fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 })
    const strategy = inside(spec, 'strategy')
    fill(strategy, { type: 'RollingUpdate' })
    if (strategy['type'] === 'RollingUpdate')
      fill(inside(strategy, 'rollingUpdate'), { maxUnavailable: '25%', maxSurge: '25%' })
    defaultTemplate(spec)
  },
  prepareForCreate: dropStatus,
  validate: (object, old) => [
    ...workloadErrors(object, old),
    ...oneOf('spec.strategy.type', at(object, 'spec', 'strategy', 'type'), [
      'Recreate',
      'RollingUpdate',
    ]),
  ],
})

export const replicaSet: ResourceDefinition = define({
  group: 'apps',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  namespaced: true,
  shortNames: ['rs'],
  categories: ['all'],
  hasStatus: true,
  countsGeneration: true,
  scale,
  columns: [
    column('Desired', (object) => numberAt(object, 'spec', 'replicas'), { type: 'integer' }),
    column('Current', (object) => numberAt(object, 'status', 'replicas'), { type: 'integer' }),
    column('Ready', (object) => numberAt(object, 'status', 'readyReplicas'), { type: 'integer' }),
    ...templateColumns(),
  ],
  applyDefaults: (object) => {
    const spec = inside(object, 'spec')
    fill(spec, { replicas: 1 })
    defaultTemplate(spec)
  },
  prepareForCreate: dropStatus,
  validate: workloadErrors,
})

export const daemonSet: ResourceDefinition = define({
  group: 'apps',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  namespaced: true,
  shortNames: ['ds'],
  categories: ['all'],
  hasStatus: true,
  countsGeneration: true,
  columns: [
    column('Desired', (object) => numberAt(object, 'status', 'desiredNumberScheduled'), {
      type: 'integer',
    }),
    column('Current', (object) => numberAt(object, 'status', 'currentNumberScheduled'), {
      type: 'integer',
    }),
    column('Ready', (object) => numberAt(object, 'status', 'numberReady'), { type: 'integer' }),
    column('Up-to-date', (object) => numberAt(object, 'status', 'updatedNumberScheduled'), {
      type: 'integer',
    }),
    column('Available', (object) => numberAt(object, 'status', 'numberAvailable'), {
      type: 'integer',
    }),
    column('Node Selector', (object) =>
      selectorText(at(object, 'spec', 'template', 'spec', 'nodeSelector')),
    ),
    ...templateColumns(),
  ],
  applyDefaults: (object) => {
    const spec = inside(object, 'spec')
    fill(spec, { revisionHistoryLimit: 10 })
    const strategy = inside(spec, 'updateStrategy')
    fill(strategy, { type: 'RollingUpdate' })
    if (strategy['type'] === 'RollingUpdate')
      fill(inside(strategy, 'rollingUpdate'), { maxUnavailable: 1, maxSurge: 0 })
    defaultTemplate(spec)
  },
  prepareForCreate: dropStatus,
  validate: (object, old) => [
    ...workloadErrors(object, old),
    ...oneOf('spec.updateStrategy.type', at(object, 'spec', 'updateStrategy', 'type'), [
      'OnDelete',
      'RollingUpdate',
    ]),
  ],
})

function defaultTemplate(spec: Record<string, unknown>): void {
  const template = inside(spec, 'template')
  inside(template, 'metadata')
  defaultPodSpec(inside(template, 'spec'))
}

function workloadErrors(object: KubeObject, old: KubeObject | undefined): readonly FieldError[] {
  const errors: FieldError[] = []
  const selector = at(object, 'spec', 'selector')
  const isEmpty = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || Object.keys(value).length === 0
  if (
    selector === undefined ||
    (isEmpty(at(selector, 'matchLabels')) && at(selector, 'matchExpressions') === undefined)
  )
    errors.push(required('spec.selector'))
  const labels = at(object, 'spec', 'template', 'metadata', 'labels')
  if (!selects(selector, labels))
    errors.push(
      invalid(
        'spec.template.metadata.labels',
        labels ?? {},
        '`selector` does not match template `labels`',
      ),
    )
  const replicas = at(object, 'spec', 'replicas')
  if (typeof replicas === 'number' && replicas < 0)
    errors.push(invalid('spec.replicas', replicas, 'must be greater than or equal to 0'))
  errors.push(
    ...podSpecErrors(at(object, 'spec', 'template', 'spec'), 'spec.template.spec', ['Always']),
  )
  if (old !== undefined)
    errors.push(...immutable('spec.selector', selector, at(old, 'spec', 'selector')))
  return errors
}
