import type { KubeObject, ObjectMeta, OwnerReference } from '../../../model/kubernetes.ts'

/** The parts of Kubernetes objects that controllers read. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
    readonly values?: readonly string[]
  }[]
}

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
  readonly lastUpdateTime?: string
}

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: PodSpec
}

export interface PodSpec {
  readonly nodeName?: string
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly hostNetwork?: boolean
  readonly hostname?: string
  readonly subdomain?: string
  readonly tolerations?: readonly Toleration[]
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms: readonly NodeSelectorTerm[]
      }
    }
  }
  readonly containers?: readonly {
    readonly name: string
    readonly ports?: readonly {
      readonly name?: string
      readonly containerPort: number
      readonly protocol?: string
      readonly hostPort?: number
    }[]
  }[]
}

export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeRequirement[]
  readonly matchFields?: readonly NodeRequirement[]
}

export interface NodeRequirement {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'
  readonly values?: readonly string[]
}

export interface Toleration {
  readonly key?: string
  readonly operator?: 'Equal' | 'Exists'
  readonly value?: string
  readonly effect?: string
  readonly tolerationSeconds?: number
}

export interface Pod extends KubeObject {
  readonly spec: PodSpec
  readonly status?: {
    readonly phase?: string
    readonly podIP?: string
    readonly podIPs?: readonly { readonly ip: string }[]
    readonly hostIP?: string
    readonly conditions?: readonly Condition[]
  }
}

export interface Node extends KubeObject {
  readonly spec?: {
    readonly taints?: readonly Taint[]
    readonly unschedulable?: boolean
  }
  readonly status?: { readonly conditions?: readonly Condition[] }
}

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: string
  readonly timeAdded?: string
}

export interface Workload extends KubeObject {
  readonly spec: {
    readonly replicas?: number
    readonly selector: LabelSelector
    readonly template: PodTemplate
    readonly minReadySeconds?: number
    readonly paused?: boolean
    readonly revisionHistoryLimit?: number
    readonly progressDeadlineSeconds?: number
    readonly strategy?: { readonly type?: string; readonly rollingUpdate?: RollingUpdate }
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: RollingUpdate }
  }
  readonly status?: {
    readonly replicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly observedGeneration?: number
    readonly conditions?: readonly Condition[]
  }
}

export interface RollingUpdate {
  readonly maxUnavailable?: number | string
  readonly maxSurge?: number | string
}

export function matches(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(
    ([key, value]) => labels[key] === value,
  )
  return equal && (selector.matchExpressions ?? []).every((one) => holds(one, labels[one.key]))
}

/** Whether a label (or field) with this value meets a requirement; undefined: it is not there. */
export function holds(
  { operator, values = [] }: NodeRequirement,
  value: string | undefined,
): boolean {
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

export function keyOf({ namespace, name }: Pick<ObjectMeta, 'namespace' | 'name'>): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

export function keyParts(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}

/** The controller that an object belongs to. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true)
}

export function ownedBy(owner: KubeObject): OwnerReference {
  const { name, uid = '' } = owner.metadata
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }
}

export function isReady(pod: Pod): boolean {
  return (
    pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ===
    true
  )
}

/** Neither finished nor on its way out. */
export function isActive(pod: Pod): boolean {
  const phase = pod.status?.phase
  return phase !== 'Succeeded' && phase !== 'Failed' && pod.metadata.deletionTimestamp === undefined
}

/** RFC 3339 without fractions, as Kubernetes writes times. */
export function timestamp(date: Date = new Date()): string {
  return date.toISOString().replace(/\.\d+Z/, 'Z')
}

/** An absolute number, or a percentage of a total. */
export function scaled(
  value: number | string | undefined,
  total: number,
  round: 'up' | 'down',
  otherwise: number,
): number {
  if (value === undefined) return otherwise
  if (typeof value === 'number') return value
  const part = (total * Number.parseFloat(value)) / 100
  return round === 'up' ? Math.ceil(part) : Math.floor(part)
}

/** A pod made from a template by its controller. */
export function podFromTemplate(
  owner: KubeObject,
  template: PodTemplate,
  extra: {
    readonly labels?: Readonly<Record<string, string>>
    readonly spec?: Partial<PodSpec>
  } = {},
): KubeObject {
  const { labels = {}, annotations } = template.metadata ?? {}
  const prefix = `${owner.metadata.name}-`
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: prefix,
      namespace: owner.metadata.namespace ?? 'default',
      labels: { ...labels, ...extra.labels },
      ...(annotations !== undefined && { annotations }),
      ownerReferences: [ownedBy(owner)],
    },
    spec: { ...template.spec, ...extra.spec },
  }
}

/** FNV-1a over JSON with sorted keys, in the letters that Kubernetes uses for template hashes. */
export function templateHash(template: unknown): string {
  const text = JSON.stringify(ordered(template))
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  const letters = 'bcdfghjklmnpqrstvwxz2456789'
  let word = ''
  for (let rest = hash, i = 0; i < 9; i += 1) {
    word += letters.charAt(rest % letters.length)
    rest = Math.floor(rest / letters.length) || Math.imul(hash, i + 7) >>> 0
  }
  return word
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined && one !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, ordered(one)]),
  )
}
