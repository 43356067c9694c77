import type { Node, NodeRequirement, PodSpec, Taint, Toleration } from './objects.ts'

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

function holds({ operator, values = [] }: NodeRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0])
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0])
  }
}

export function isNodeReady(node: Node): boolean {
  return (
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ===
    true
  )
}
