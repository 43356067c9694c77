import { holds, type Node, type PodSpec, type Taint, type Toleration } from './objects.ts'

/** Why a pod may not go to a node, in the scheduler's words; undefined when it may. */
export function obstacle(spec: PodSpec, node: Node): string | undefined {
  const labels = node.metadata.labels ?? {}
  const wanted = Object.entries(spec.nodeSelector ?? {})
  if (!wanted.every(([key, value]) => labels[key] === value))
    return "didn't match Pod's node affinity/selector"
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const fits = terms?.some(
    ({ matchExpressions = [], matchFields = [] }) =>
      matchExpressions.every((one) => holds(one, labels[one.key])) &&
      matchFields.every((one) =>
        holds(one, one.key === 'metadata.name' ? node.metadata.name : undefined),
      ),
  )
  if (fits === false) return "didn't match Pod's node affinity/selector"
  const taint = (node.spec?.taints ?? []).find(
    (one) => one.effect !== 'PreferNoSchedule' && !tolerates(spec.tolerations ?? [], one),
  )
  if (taint !== undefined) return `had untolerated taint {${taint.key}: ${taint.value ?? ''}}`
  return undefined
}

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some(
    ({ key = '', operator = 'Equal', value = '', effect = '' }) =>
      (effect === '' || effect === taint.effect) &&
      (key === '' ? operator === 'Exists' : key === taint.key) &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  )
}

export function isNodeReady(node: Node): boolean {
  return (
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ===
    true
  )
}
