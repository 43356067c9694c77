import { setTimeout as delay } from 'node:timers/promises'
import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeClient, KubeObject } from '../../model/kubernetes.ts'
import { isDead, type Owner, ownerOf } from '../owner.ts'
import { namespaces } from '../kube/types.ts'

/** Namespaces of ours bear this before the run's id. */
const prefix = 'meshmark-'

/** Marks what is ours, whatever its name. */
const managedBy = { 'app.kubernetes.io/managed-by': 'meshmark' }

/** Who made it, as JSON: another harness on the same machine can tell whether its maker lives. */
const ownerAnnotation = 'meshmark.dev/owner'

/** How long everything in a namespace may take to go. */
const goneMs = 120_000

/** Makes the one namespace in which a run works. Privileged pods may stand in it: probes on the host network. */
export async function makeOwnNamespace(
  kube: KubeClient,
  runId: string,
  options: AbortOptions,
): Promise<string> {
  const name = `${prefix}${runId}`.toLowerCase()
  const metadata = {
    name,
    labels: {
      ...managedBy,
      'meshmark.dev/run-id': runId,
      'pod-security.kubernetes.io/enforce': 'privileged',
    },
    annotations: { [ownerAnnotation]: JSON.stringify(await ownerOf(process.pid)) },
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

/** Removes the namespaces of harnesses that died on this machine. Gives their names. */
export async function removeLeftNamespaces(
  kube: KubeClient,
  options: AbortOptions,
): Promise<readonly string[]> {
  const labelSelector = Object.entries(managedBy)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  const { items } = await kube.list(namespaces, { labelSelector, ...options })
  const here = await ownerOf(process.pid)
  const left: string[] = []
  for (const item of items) {
    const owner = ownerOfNamespace(item)
    // why: whether a process of another machine, or of this one before it started again, lives cannot be seen here
    if (owner === undefined || owner.bootId !== here.bootId || !(await isDead(owner))) continue
    await kube.delete(namespaces, { name: item.metadata.name }, options)
    left.push(item.metadata.name)
  }
  return left
}

function ownerOfNamespace({ metadata }: KubeObject): Owner | undefined {
  try {
    return JSON.parse(metadata.annotations?.[ownerAnnotation] ?? '') as Owner
  } catch {
    return undefined
  }
}
