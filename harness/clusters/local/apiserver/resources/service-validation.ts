import { BlockList, isIP } from 'node:net'
import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { FieldError } from '../resource-definition.ts'
import { at, listAt, numberAt, textAt } from './define.ts'
import {
  dnsLabel,
  duplicate,
  forbidden,
  immutable,
  invalid,
  oneOf,
  portNumber,
  required,
} from './errors.ts'

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const protocols = ['SCTP', 'TCP', 'UDP']

/** Checks a Service in the real server's words (kubernetes pkg/apis/core/validation ValidateService). */
export function serviceErrors(
  object: KubeObject,
  old: KubeObject | undefined,
): readonly FieldError[] {
  const spec = object['spec']
  const errors: FieldError[] = [...portErrors(spec), ...oneOf('spec.type', at(spec, 'type'), types)]
  errors.push(...oneOf('spec.sessionAffinity', at(spec, 'sessionAffinity'), ['ClientIP', 'None']))
  errors.push(...affinityErrors(spec), ...addressErrors(spec), ...externalNameErrors(spec))
  for (const field of ['internalTrafficPolicy', 'externalTrafficPolicy']) {
    const value = at(spec, field)
    if (value !== undefined) errors.push(...oneOf(`spec.${field}`, value, ['Cluster', 'Local']))
  }
  if (
    at(spec, 'externalTrafficPolicy') !== undefined &&
    ['ClusterIP', 'ExternalName'].includes(textAt(spec, 'type')) &&
    listAt(spec, 'externalIPs').length === 0
  )
    errors.push(
      invalid(
        'spec.externalTrafficPolicy',
        at(spec, 'externalTrafficPolicy'),
        'may only be set for externally-accessible services',
      ),
    )
  if (old !== undefined) errors.push(...updateErrors(spec, old['spec']))
  return errors
}

function portErrors(spec: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const ports = listAt(spec, 'ports')
  const isHeadless = textAt(spec, 'clusterIP') === 'None'
  if (ports.length === 0 && !isHeadless && textAt(spec, 'type') !== 'ExternalName')
    errors.push(required('spec.ports'))
  const names = new Set<string>()
  const numbers = new Set<string>()
  const nodePorts = new Set<string>()
  ports.forEach((port, index) => {
    const path = `spec.ports[${index}]`
    const name = textAt(port, 'name')
    if (name === '' && ports.length > 1) errors.push(required(`${path}.name`))
    else if (name !== '') {
      errors.push(...dnsLabel(`${path}.name`, name))
      if (names.has(name)) errors.push(duplicate(`${path}.name`, name))
      names.add(name)
    }
    errors.push(...portNumber(`${path}.port`, at(port, 'port') ?? 0))
    errors.push(...oneOf(`${path}.protocol`, at(port, 'protocol'), protocols))
    errors.push(...targetPortErrors(`${path}.targetPort`, at(port, 'targetPort')))
    const number = `${textAt(port, 'protocol')}/${numberAt(port, 'port')}`
    if (numbers.has(number))
      errors.push(duplicate(path, { port: at(port, 'port'), protocol: at(port, 'protocol') }))
    numbers.add(number)
    const nodePort = numberAt(port, 'nodePort')
    if (nodePort !== 0 && textAt(spec, 'type') === 'ClusterIP')
      errors.push(forbidden(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'"))
    const key = `${textAt(port, 'protocol')}/${nodePort}`
    if (nodePort !== 0 && nodePorts.has(key)) errors.push(duplicate(`${path}.nodePort`, nodePort))
    nodePorts.add(key)
  })
  return errors
}

function targetPortErrors(field: string, value: unknown): readonly FieldError[] {
  if (typeof value === 'number') return portNumber(field, value)
  if (typeof value !== 'string') return []
  if (value.length > 15) return [invalid(field, value, 'must be no more than 15 characters')]
  if (!/^[-a-z0-9]+$/.test(value))
    return [
      invalid(
        field,
        value,
        'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      ),
    ]
  return /[a-z]/.test(value)
    ? []
    : [invalid(field, value, 'must contain at least one letter (a-z)')]
}

const longestAffinitySeconds = 86_400

function affinityErrors(spec: unknown): readonly FieldError[] {
  if (textAt(spec, 'sessionAffinity') !== 'ClientIP') return []
  const seconds = at(spec, 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds')
  if (typeof seconds === 'number' && seconds > 0 && seconds <= longestAffinitySeconds) return []
  return [
    invalid(
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
      seconds,
      `must be greater than 0 and less than ${longestAffinitySeconds}`,
    ),
  ]
}

function addressErrors(spec: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const clusterIp = textAt(spec, 'clusterIP')
  const type = textAt(spec, 'type')
  if (clusterIp === 'None' && (type === 'NodePort' || type === 'LoadBalancer'))
    errors.push(
      invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`),
    )
  listAt(spec, 'clusterIPs').forEach((address, index) => {
    if (address !== 'None' && isIP(String(address)) === 0)
      errors.push(
        invalid(
          `spec.clusterIPs[${index}]`,
          address,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
      )
  })
  listAt(spec, 'externalIPs').forEach((address, index) => {
    if (isIP(String(address)) === 0)
      errors.push(
        invalid(
          `spec.externalIPs[${index}]`,
          address,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
      )
    else errors.push(...specialErrors(`spec.externalIPs[${index}]`, String(address)))
  })
  return errors
}

/** Ranges that lead to nobody outside of a node, and what the real server says of them (ValidateNonSpecialIP). */
const special: readonly { readonly ranges: BlockList; readonly detail: string }[] = [
  {
    ranges: blockList(['0.0.0.0', 32], ['::', 128]),
    detail: 'may not be unspecified (0.0.0.0 or ::)',
  },
  {
    ranges: blockList(['127.0.0.0', 8], ['::1', 128]),
    detail: 'may not be in the loopback range (127.0.0.0/8, ::1/128)',
  },
  {
    ranges: blockList(['169.254.0.0', 16], ['fe80::', 10]),
    detail: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
  },
  {
    ranges: blockList(['224.0.0.0', 24], ['ff02::', 16]),
    detail: 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
  },
]

function blockList(
  v4: readonly [network: string, prefix: number],
  v6: readonly [network: string, prefix: number],
): BlockList {
  const list = new BlockList()
  list.addSubnet(...v4, 'ipv4')
  list.addSubnet(...v6, 'ipv6')
  return list
}

function specialErrors(field: string, address: string): readonly FieldError[] {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  return special
    .filter(({ ranges }) => ranges.check(address, family))
    .map(({ detail }) => invalid(field, address, detail))
}

function externalNameErrors(spec: unknown): readonly FieldError[] {
  if (textAt(spec, 'type') !== 'ExternalName') return []
  const errors: FieldError[] = []
  const name = textAt(spec, 'externalName')
  if (name === '') errors.push(required('spec.externalName'))
  else if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\.?$/.test(name) || name.length > 254)
    errors.push(
      invalid(
        'spec.externalName',
        name,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ),
    )
  if (textAt(spec, 'clusterIP') !== '')
    errors.push(forbidden('spec.clusterIPs', 'may not be set for ExternalName services'))
  return errors
}

function updateErrors(spec: unknown, old: unknown): readonly FieldError[] {
  const isOrWasExternal = [spec, old].some((one) => textAt(one, 'type') === 'ExternalName')
  if (isOrWasExternal || textAt(old, 'clusterIP') === '') return []
  return immutable('spec.clusterIPs', listAt(spec, 'clusterIPs'), listAt(old, 'clusterIPs')).map(
    (error) => ({
      ...error,
      field: 'spec.clusterIPs[0]',
      detail: 'may not change once set',
    }),
  )
}
