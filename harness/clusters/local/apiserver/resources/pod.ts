import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { FieldError, MutableObject, ResourceDefinition } from '../resource-definition.ts'
import { at, column, define, inside, listAt, numberAt, textAt } from './define.ts'
import { forbidden } from './errors.ts'
import { defaultPodSpec, podSpecErrors } from './pod-template.ts'

/** Pods, printed as kubectl prints them (kubernetes pkg/printers/internalversion printPod). */
export const pod: ResourceDefinition = define({
  kind: 'Pod',
  plural: 'pods',
  returnsDeleted: true,
  namespaced: true,
  shortNames: ['po'],
  categories: ['all'],
  hasStatus: true,
  countsGeneration: true,
  fieldSelectors: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  columns: [
    column('Ready', readyCell),
    column('Status', statusCell),
    column('Restarts', restartsCell),
    column('IP', (object) => textAt(object, 'status', 'podIP') || '<none>', { priority: 1 }),
    column('Node', (object) => textAt(object, 'spec', 'nodeName') || '<none>', { priority: 1 }),
    column(
      'Nominated Node',
      (object) => textAt(object, 'status', 'nominatedNodeName') || '<none>',
      { priority: 1 },
    ),
    column('Readiness Gates', () => '<none>', { priority: 1 }),
  ],
  gracefulDeletionSeconds: (object) => {
    // why: nobody has started it, so nobody would end it
    if (textAt(object, 'spec', 'nodeName') === '') return 0
    const phase = textAt(object, 'status', 'phase')
    if (phase === 'Succeeded' || phase === 'Failed') return 0
    const seconds = at(object, 'spec', 'terminationGracePeriodSeconds')
    return typeof seconds === 'number' ? seconds : 30
  },
  applyDefaults: (object) => {
    defaultPodSpec(inside(object, 'spec'))
  },
  prepareForCreate: (object) => {
    object['status'] = { phase: 'Pending', qosClass: 'BestEffort' }
    const spec = inside(object, 'spec')
    spec['serviceAccountName'] ??= 'default'
    spec['serviceAccount'] ??= spec['serviceAccountName']
    spec['enableServiceLinks'] ??= true
    spec['preemptionPolicy'] ??= 'PreemptLowerPriority'
    spec['priority'] ??= 0
    tolerateShortOutages(spec)
    mountServiceAccount(spec)
  },
  validate,
})

/** Admission DefaultTolerationSeconds: pods stay 5 min on a node that is not ready or unreachable. */
function tolerateShortOutages(spec: Record<string, unknown>): void {
  const tolerations = [...listAt(spec, 'tolerations')]
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const covered = tolerations.some(
      (one) =>
        (textAt(one, 'key') === key ||
          (textAt(one, 'key') === '' && textAt(one, 'operator') === 'Exists')) &&
        ['', 'NoExecute'].includes(textAt(one, 'effect')),
    )
    if (!covered)
      tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })
  }
  spec['tolerations'] = tolerations
}

const accountPath = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Admission ServiceAccount: a projected volume with token, CA and namespace in every container. */
function mountServiceAccount(spec: Record<string, unknown>): void {
  if (spec['automountServiceAccountToken'] === false) return
  const name = 'kube-api-access'
  const all = [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')] as Record<
    string,
    unknown
  >[]
  const bare = all.filter(
    (container) =>
      !listAt(container, 'volumeMounts').some(
        (mount) => textAt(mount, 'mountPath') === accountPath,
      ),
  )
  if (bare.length === 0) return
  for (const container of bare)
    container['volumeMounts'] = [
      ...listAt(container, 'volumeMounts'),
      { name, mountPath: accountPath, readOnly: true },
    ]
  if (listAt(spec, 'volumes').some((volume) => textAt(volume, 'name') === name)) return
  spec['volumes'] = [
    ...listAt(spec, 'volumes'),
    {
      name,
      projected: {
        defaultMode: 0o644,
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          {
            downwardAPI: {
              items: [
                {
                  path: 'namespace',
                  fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' },
                },
              ],
            },
          },
        ],
      },
    },
  ]
}

function validate(object: KubeObject, old: KubeObject | undefined): readonly FieldError[] {
  const errors = [...podSpecErrors(object['spec'], 'spec')]
  if (old === undefined || errors.length > 0) return errors
  const frozen = (pod: KubeObject): string => JSON.stringify(withoutMutable(pod))
  if (frozen(object) !== frozen(old))
    errors.push(
      forbidden(
        'spec',
        'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
      ),
    )
  return errors
}

/** What of a pod's spec may never change; nodeName may be set once, by a binding. */
function withoutMutable(pod: KubeObject): unknown {
  const spec = structuredClone(pod['spec'] ?? {}) as MutableObject
  for (const key of [
    'activeDeadlineSeconds',
    'tolerations',
    'terminationGracePeriodSeconds',
    'nodeName',
    'schedulingGates',
  ])
    Reflect.deleteProperty(spec, key)
  for (const key of ['containers', 'initContainers'])
    for (const container of listAt(spec, key)) Reflect.deleteProperty(container as object, 'image')
  return sorted(spec)
}

/** The same JSON with its keys in order: how a field was written must not look like a change. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  )
}

function statuses(object: KubeObject): readonly unknown[] {
  return listAt(object, 'status', 'containerStatuses')
}

function readyCell(object: KubeObject): string {
  const ready = statuses(object).filter(
    (one) => at(one, 'ready') === true && at(one, 'state', 'running') !== undefined,
  ).length
  return `${ready}/${listAt(object, 'spec', 'containers').length}`
}

function restartsCell(object: KubeObject): string {
  const count = statuses(object).reduce<number>(
    (sum, one) => sum + numberAt(one, 'restartCount'),
    0,
  )
  const last = statuses(object)
    .map((one) => textAt(one, 'lastState', 'terminated', 'finishedAt'))
    .sort()
    .at(-1)
  if (count === 0 || last === undefined || last === '') return String(count)
  return `${count} (${age(Date.now() - Date.parse(last))} ago)`
}

/** Shortest human form, as duration.HumanDuration for the times that matter here. */
function age(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`
}

function statusCell(object: KubeObject): string {
  let reason = textAt(object, 'status', 'reason') || textAt(object, 'status', 'phase')
  const initStatus = initReason(object)
  if (initStatus !== undefined) reason = initStatus
  else {
    let hasRunning = false
    for (const one of [...statuses(object)].reverse()) {
      const waiting = textAt(one, 'state', 'waiting', 'reason')
      const terminated = at(one, 'state', 'terminated')
      if (waiting !== '') reason = waiting
      else if (terminated !== undefined) reason = terminatedReason(terminated)
      else if (at(one, 'ready') === true && at(one, 'state', 'running') !== undefined)
        hasRunning = true
    }
    if (reason === 'Completed' && hasRunning) reason = isReady(object) ? 'Running' : 'NotReady'
  }
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating'
  return reason
}

function initReason(object: KubeObject): string | undefined {
  const all = listAt(object, 'status', 'initContainerStatuses')
  for (const [index, one] of all.entries()) {
    const terminated = at(one, 'state', 'terminated')
    if (terminated !== undefined && numberAt(terminated, 'exitCode') === 0) continue
    if (terminated !== undefined) return `Init:${terminatedReason(terminated)}`
    const waiting = textAt(one, 'state', 'waiting', 'reason')
    if (waiting !== '' && waiting !== 'PodInitializing') return `Init:${waiting}`
    return `Init:${index}/${listAt(object, 'spec', 'initContainers').length}`
  }
  return undefined
}

function terminatedReason(terminated: unknown): string {
  const reason = textAt(terminated, 'reason')
  if (reason !== '') return reason
  const signal = numberAt(terminated, 'signal')
  return signal === 0 ? `ExitCode:${numberAt(terminated, 'exitCode')}` : `Signal:${signal}`
}

function isReady(object: KubeObject): boolean {
  return listAt(object, 'status', 'conditions').some(
    (one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True',
  )
}
