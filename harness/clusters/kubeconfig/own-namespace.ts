import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import type { RunMark } from '../kube/run-mark.ts'
import { namespaces } from '../kube/types.ts'

/** Namespaces of ours bear this before the run's id. */
const prefix = 'meshmark-'

/** Marks what is ours, whatever its name. */
const managedBy = { 'app.kubernetes.io/managed-by': 'meshmark' }

/** How long everything in a namespace may take to go. */
const goneMs = 120_000

/** Makes the one namespace in which a run works. Privileged pods may stand in it: probes on the host network. */
export async function makeOwnNamespace(
  kube: KubeClient,
  runId: string,
  mark: RunMark,
  options: AbortOptions,
): Promise<string> {
  const name = `${prefix}${runId}`.toLowerCase()
  const metadata = {
    name,
    labels: {
      ...managedBy,
      ...mark.labels,
      'pod-security.kubernetes.io/enforce': 'privileged',
    },
    annotations: mark.annotations,
  }
  await kube.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata }, options)
  return name
}

/** @throws ClusterError 'dispose-failed' when it is still there after two minutes */
export async function removeNamespace(
  kube: KubeClient,
  name: string,
  options: AbortOptions,
): Promise<void> {
  await kube.delete(namespaces, { name }, options)
  const deadline = performance.now() + goneMs
  while ((await kube.get(namespaces, { name }, options)) !== undefined) {
    if (performance.now() > deadline)
      throw new ClusterError(
        'not-ready',
        `the namespace ${name} is not gone after ${goneMs / 1_000} s`,
        {
          hint: `see what holds it: kubectl get namespace ${name} -o yaml`,
        },
      )
    await delay(250, undefined, options)
  }
}
