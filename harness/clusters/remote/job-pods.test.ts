/** What is read of a pod of a Job: statuses as kubelets of Kubernetes 1.34 write them. */
import t from 'tap'
import { phaseOf, type PodView, whyItCannotStart } from './job-pods.ts'

function pod(status: NonNullable<PodView['status']>): PodView {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, status }
}

t.test('a pod waits, runs and ends', (t) => {
  t.equal(phaseOf(pod({})), 'waiting')
  const preparing = { state: { waiting: { reason: 'PodInitializing' } } }
  t.equal(phaseOf(pod({ phase: 'Pending', containerStatuses: [preparing] })), 'waiting')
  t.equal(whyItCannotStart(pod({ phase: 'Pending', containerStatuses: [preparing] })), undefined)
  const runs = { state: { running: {} } }
  t.equal(phaseOf(pod({ phase: 'Running', containerStatuses: [runs] })), 'running')
  const ended = { state: { terminated: { exitCode: 99 } } }
  t.equal(phaseOf(pod({ phase: 'Failed', containerStatuses: [ended] })), 'ended')
  t.end()
})

t.test('what nobody cures during a run is named', (t) => {
  const waiting = { reason: 'ErrImageNeverPull', message: 'Container image "x" is not present' }
  t.equal(
    whyItCannotStart(pod({ initContainerStatuses: [{ state: { waiting } }] })),
    'ErrImageNeverPull: Container image "x" is not present',
  )
  const message = '0/3 nodes are available: 3 Insufficient cpu.'
  const unplaced = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }
  t.equal(whyItCannotStart(pod({ conditions: [unplaced] })), `no node takes it: ${message}`)
  t.end()
})
