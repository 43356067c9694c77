import type { KubeObject } from '../../../../model/kubernetes.ts'
import { parseCidr, formatAddress } from '../../topology.ts'
import {
  ApiError,
  type FieldError,
  type MutableObject,
  type ResourceDefinition,
  type StrategyContext,
} from '../resource-definition.ts'
import {
  at,
  column,
  define,
  fill,
  inside,
  listAt,
  numberAt,
  selectorText,
  textAt,
} from './define.ts'
import { serviceErrors } from './service-validation.ts'

/** Services, with the rules of allocation that the real API server has. */
export const service: ResourceDefinition = define({
  kind: 'Service',
  plural: 'services',
  returnsDeleted: true,
  namespaced: true,
  shortNames: ['svc'],
  categories: ['all'],
  hasStatus: true,
  nameRule: 'dns1035-label',
  fieldSelectors: ['spec.clusterIP', 'spec.type'],
  columns: [
    column('Type', (object) => textAt(object, 'spec', 'type')),
    column('Cluster-IP', (object) => textAt(object, 'spec', 'clusterIP') || '<none>'),
    column('External-IP', externalIpCell),
    column('Port(s)', portsCell),
    column('Selector', (object) => selectorText(at(object, 'spec', 'selector')), { priority: 1 }),
  ],
  applyDefaults,
  prepareForCreate: (object, context) => {
    object['status'] = { loadBalancer: {} }
    allocate(object, undefined, context)
  },
  prepareForUpdate: (object, old, context) => {
    keepAllocated(object, old)
    allocate(object, old, context)
  },
  validate: serviceErrors,
})

function applyDefaults(object: MutableObject): void {
  const spec = inside(object, 'spec')
  fill(spec, { type: 'ClusterIP', sessionAffinity: 'None' })
  if (spec['type'] !== 'ExternalName') fill(spec, { internalTrafficPolicy: 'Cluster' })
  if (spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer')
    fill(spec, { externalTrafficPolicy: 'Cluster' })
  if (spec['type'] === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true })
  if (spec['sessionAffinity'] === 'ClientIP') {
    const clientIp = inside(inside(spec, 'sessionAffinityConfig'), 'clientIP')
    fill(clientIp, { timeoutSeconds: 10_800 })
  }
  if (spec['sessionAffinity'] === 'None') Reflect.deleteProperty(spec, 'sessionAffinityConfig')
  for (const port of listAt(spec, 'ports') as Record<string, unknown>[]) {
    fill(port, { protocol: 'TCP' })
    if (port['targetPort'] === undefined || port['targetPort'] === 0 || port['targetPort'] === '')
      port['targetPort'] = port['port']
  }
}

/** An update that leaves allocated values out means those that are stored. */
function keepAllocated(object: MutableObject, old: KubeObject): void {
  const spec = inside(object, 'spec')
  const oldSpec = old['spec']
  const wasExternal = textAt(oldSpec, 'type') === 'ExternalName'
  if (spec['type'] === 'ExternalName' && !wasExternal) {
    // why: a Service that becomes ExternalName gives back what it held
    for (const key of [
      'clusterIP',
      'clusterIPs',
      'ipFamilies',
      'ipFamilyPolicy',
      'internalTrafficPolicy',
      'externalTrafficPolicy',
    ]) {
      if (JSON.stringify(spec[key]) === JSON.stringify(at(oldSpec, key)))
        Reflect.deleteProperty(spec, key)
    }
    return
  }
  if (wasExternal) return
  if (!spec['clusterIP'] && !spec['clusterIPs']) {
    spec['clusterIP'] = at(oldSpec, 'clusterIP')
    spec['clusterIPs'] = at(oldSpec, 'clusterIPs')
  }
  for (const key of ['ipFamilies', 'ipFamilyPolicy']) spec[key] ??= at(oldSpec, key)
  const needsNodePorts = spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer'
  for (const port of listAt(spec, 'ports') as Record<string, unknown>[]) {
    const before = listAt(oldSpec, 'ports').find(
      (one) => at(one, 'port') === port['port'] && at(one, 'protocol') === port['protocol'],
    )
    if (needsNodePorts && !port['nodePort'] && numberAt(before, 'nodePort') > 0)
      port['nodePort'] = at(before, 'nodePort')
    if (!needsNodePorts && port['nodePort'] === at(before, 'nodePort'))
      Reflect.deleteProperty(port, 'nodePort')
  }
  if (!needsNodePorts && spec['externalTrafficPolicy'] === at(oldSpec, 'externalTrafficPolicy'))
    Reflect.deleteProperty(spec, 'externalTrafficPolicy')
}

function allocate(
  object: MutableObject,
  old: KubeObject | undefined,
  context: StrategyContext,
): void {
  const spec = inside(object, 'spec')
  if (spec['type'] === 'ExternalName') return
  allocateClusterIp(object, spec, old, context)
  // why: whoever writes such a Service's endpoints may write addresses of both families (KEP-563)
  if (spec['clusterIP'] === 'None' && isEmpty(spec['selector']))
    fill(spec, { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' })
  fill(spec, { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
  if (
    spec['type'] === 'NodePort' ||
    (spec['type'] === 'LoadBalancer' && spec['allocateLoadBalancerNodePorts'] !== false)
  )
    allocateNodePorts(object, spec, context)
}

/** The lower part of the range is left to people who choose addresses themselves (KEP-3070). */
const staticBand = 256

function allocateClusterIp(
  object: MutableObject,
  spec: Record<string, unknown>,
  old: KubeObject | undefined,
  context: StrategyContext,
): void {
  const asked = textAt(spec, 'clusterIP') || textAt(spec, 'clusterIPs', 0)
  if (asked === 'None') {
    spec['clusterIP'] = 'None'
    spec['clusterIPs'] = ['None']
    return
  }
  const used = new Set(
    context
      .list('Service')
      .filter((one) => one.metadata.uid !== old?.metadata.uid)
      .map((one) => textAt(one, 'spec', 'clusterIP')),
  )
  const address = asked === '' ? freeAddress(used, context.serviceCidr) : asked
  if (asked !== '') checkAddress(object, asked, used, context.serviceCidr)
  spec['clusterIP'] = address
  spec['clusterIPs'] = [address]
}

function freeAddress(used: ReadonlySet<string>, cidr: string): string {
  const [base = 0, prefix = 16] = parseCidr(cidr) ?? []
  const size = 2 ** (32 - prefix)
  const reserved = Math.min(staticBand, Math.floor(size / 16))
  const span = size - reserved - 1
  const start = Math.floor(Math.random() * span)
  for (let tried = 0; tried < span; tried += 1) {
    const address = formatAddress(base + reserved + ((start + tried) % span))
    if (!used.has(address)) return address
  }
  for (let host = 1; host < reserved; host += 1) {
    const address = formatAddress(base + host)
    if (!used.has(address)) return address
  }
  throw new ApiError(
    500,
    'InternalError',
    `Internal error occurred: failed to allocate a serviceIP: range is full`,
  )
}

function checkAddress(
  object: MutableObject,
  asked: string,
  used: ReadonlySet<string>,
  cidr: string,
): void {
  const [base = 0, prefix = 16] = parseCidr(cidr) ?? []
  const [value] = parseCidr(`${asked}/32`) ?? []
  const size = 2 ** (32 - prefix)
  // why: what is no address at all is left to validation, which words it better
  if (value === undefined) return
  if (value <= base || value >= base + size - 1)
    throw invalidService(object, {
      type: 'FieldValueInvalid',
      field: 'spec.clusterIPs',
      value: [asked],
      detail: `failed to allocate IP ${asked}: the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${cidr}`,
    })
  if (used.has(asked))
    throw invalidService(object, {
      type: 'FieldValueInvalid',
      field: 'spec.clusterIPs',
      value: [asked],
      detail: `failed to allocate IP ${asked}: provided IP is already allocated`,
    })
}

function allocateNodePorts(
  object: MutableObject,
  spec: Record<string, unknown>,
  context: StrategyContext,
): void {
  const [first, last] = context.nodePortRange
  const used = new Set(
    context
      .list('Service')
      .filter((one) => one.metadata.uid !== object.metadata['uid'])
      .flatMap((one) =>
        listAt(one, 'spec', 'ports').map(
          (port) => `${textAt(port, 'protocol')}/${numberAt(port, 'nodePort')}`,
        ),
      ),
  )
  listAt(spec, 'ports').forEach((one, index) => {
    const port = one as Record<string, unknown>
    const protocol = textAt(port, 'protocol')
    const asked = numberAt(port, 'nodePort')
    const field = `spec.ports[${index}].nodePort`
    if (asked !== 0 && (asked < first || asked > last))
      throw invalidService(object, {
        type: 'FieldValueInvalid',
        field,
        value: asked,
        detail: `provided port is not in the valid range. The range of valid ports is ${first}-${last}`,
      })
    if (asked !== 0 && used.has(`${protocol}/${asked}`))
      throw invalidService(object, {
        type: 'FieldValueInvalid',
        field,
        value: asked,
        detail: 'provided port is already allocated',
      })
    const given = asked === 0 ? freePort(used, protocol, first, last) : asked
    used.add(`${protocol}/${given}`)
    port['nodePort'] = given
  })
}

function freePort(
  used: ReadonlySet<string>,
  protocol: string,
  first: number,
  last: number,
): number {
  const span = last - first + 1
  const start = Math.floor(Math.random() * span)
  for (let tried = 0; tried < span; tried += 1) {
    const port = first + ((start + tried) % span)
    if (!used.has(`${protocol}/${port}`)) return port
  }
  throw new ApiError(
    500,
    'InternalError',
    'Internal error occurred: failed to allocate a nodePort: range is full',
  )
}

function invalidService(
  object: MutableObject,
  { type, field, value, detail }: FieldError,
): ApiError {
  const name = String(object.metadata['name'] ?? '')
  const message = `Invalid value: ${JSON.stringify(value)}: ${detail}`
  return new ApiError(422, 'Invalid', `Service "${name}" is invalid: ${field}: ${message}`, {
    name,
    kind: 'Service',
    causes: [{ reason: type, message, field }],
  })
}

function externalIpCell(object: KubeObject): string {
  const spec = object['spec']
  const own = listAt(spec, 'externalIPs')
  switch (textAt(spec, 'type')) {
    case 'ExternalName':
      return textAt(spec, 'externalName')
    case 'LoadBalancer': {
      const ingress = listAt(object, 'status', 'loadBalancer', 'ingress').map(
        (one) => textAt(one, 'ip') || textAt(one, 'hostname'),
      )
      const all = [...ingress, ...own]
      return all.length === 0 ? '<pending>' : all.join(',')
    }
    default:
      return own.length === 0 ? '<none>' : own.join(',')
  }
}

function portsCell(object: KubeObject): string {
  const ports = listAt(object, 'spec', 'ports').map((port) => {
    const nodePort = numberAt(port, 'nodePort')
    return `${numberAt(port, 'port')}${nodePort === 0 ? '' : `:${nodePort}`}/${textAt(port, 'protocol')}`
  })
  return ports.length === 0 ? '<none>' : ports.join(',')
}

function isEmpty(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Object.keys(value).length === 0
}
