import { isIP } from 'node:net'
import type { KubeObject } from '../../../../model/kubernetes.ts'
import type { FieldError, ResourceDefinition } from '../resource-definition.ts'
import { at, column, define, fill, listAt, numberAt, textAt } from './define.ts'
import { immutable, invalid, notSupported, oneOf, required } from './errors.ts'

/** kubectl shows so many endpoints and says how many more there are. */
const shownEndpoints = 3

export const endpoints: ResourceDefinition = define({
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  namespaced: true,
  shortNames: ['ep'],
  columns: [column('Endpoints', endpointsCell)],
  applyDefaults: (object) => {
    for (const subset of listAt(object, 'subsets'))
      for (const port of listAt(subset, 'ports'))
        fill(port as Record<string, unknown>, { protocol: 'TCP' })
  },
  validate: (object) =>
    listAt(object, 'subsets').flatMap((subset, index) =>
      ['addresses', 'notReadyAddresses'].flatMap((list) =>
        listAt(subset, list).flatMap((address, at_) =>
          addressErrors(textAt(address, 'ip'), `subsets[${index}].${list}[${at_}].ip`),
        ),
      ),
    ),
})

function endpointsCell(object: KubeObject): string {
  const all: string[] = []
  for (const subset of listAt(object, 'subsets')) {
    const ports = listAt(subset, 'ports')
    for (const address of listAt(subset, 'addresses')) {
      const ip = textAt(address, 'ip')
      if (ports.length === 0) all.push(ip)
      for (const port of ports) all.push(`${ip}:${numberAt(port, 'port')}`)
    }
  }
  if (all.length === 0) return '<none>'
  const shown = all.slice(0, shownEndpoints).join(',')
  return all.length > shownEndpoints ? `${shown} + ${all.length - shownEndpoints} more...` : shown
}

function addressErrors(address: string, field: string): readonly FieldError[] {
  return isIP(address) === 0
    ? [invalid(field, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')]
    : []
}

const addressTypes = ['FQDN', 'IPv4', 'IPv6']

export const endpointSlice: ResourceDefinition = define({
  group: 'discovery.k8s.io',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  countsGeneration: true,
  columns: [
    column('AddressType', (object) => textAt(object, 'addressType')),
    column('Ports', slicePortsCell),
    column('Endpoints', sliceEndpointsCell),
  ],
  applyDefaults: (object) => {
    for (const port of listAt(object, 'ports'))
      fill(port as Record<string, unknown>, { name: '', protocol: 'TCP' })
    object['endpoints'] ??= []
  },
  validate: (object, old) => {
    const errors: FieldError[] = []
    const type = textAt(object, 'addressType')
    if (type === '') errors.push(required('addressType'))
    else if (!addressTypes.includes(type))
      errors.push(notSupported('addressType', type, addressTypes))
    listAt(object, 'endpoints').forEach((endpoint, index) => {
      const addresses = listAt(endpoint, 'addresses')
      if (addresses.length === 0)
        errors.push(required(`endpoints[${index}].addresses`, 'must contain at least 1 address'))
      addresses.forEach((address, at_) => {
        if (type !== 'FQDN')
          errors.push(...addressErrors(String(address), `endpoints[${index}].addresses[${at_}]`))
      })
    })
    listAt(object, 'ports').forEach((port, index) => {
      errors.push(
        ...oneOf(`ports[${index}].protocol`, at(port, 'protocol'), ['SCTP', 'TCP', 'UDP']),
      )
    })
    if (old !== undefined)
      errors.push(...immutable('addressType', type, textAt(old, 'addressType')))
    return errors
  },
})

function more(values: readonly string[]): string {
  if (values.length === 0) return '<unset>'
  const shown = values.slice(0, shownEndpoints).join(',')
  return values.length > shownEndpoints
    ? `${shown} + ${values.length - shownEndpoints} more...`
    : shown
}

function slicePortsCell(object: KubeObject): string {
  return more(
    listAt(object, 'ports').map((port) =>
      at(port, 'port') === undefined ? '*' : String(numberAt(port, 'port')),
    ),
  )
}

function sliceEndpointsCell(object: KubeObject): string {
  return more(
    listAt(object, 'endpoints').flatMap((endpoint) => listAt(endpoint, 'addresses').map(String)),
  )
}
