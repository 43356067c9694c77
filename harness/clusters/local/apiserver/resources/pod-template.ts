import type { FieldError } from '../resource-definition.ts'
import { at, fill, inside, listAt, textAt } from './define.ts'
import {
  dnsLabel,
  duplicate,
  invalid,
  notSupported,
  oneOf,
  portNumber,
  required,
} from './errors.ts'

/** Fills in what the real API server fills into a pod's spec. */
export function defaultPodSpec(spec: Record<string, unknown>): void {
  fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  })
  if (typeof spec['serviceAccountName'] === 'string')
    fill(spec, { serviceAccount: spec['serviceAccountName'] })
  else if (typeof spec['serviceAccount'] === 'string')
    spec['serviceAccountName'] = spec['serviceAccount']
  for (const key of ['containers', 'initContainers'])
    for (const container of listAt(spec, key))
      defaultContainer(container as Record<string, unknown>, spec['hostNetwork'] === true)
  for (const volume of listAt(spec, 'volumes')) defaultVolume(volume as Record<string, unknown>)
}

function defaultContainer(container: Record<string, unknown>, hostNetwork: boolean): void {
  fill(container, {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: /:(?!latest$)[^/:]+$|@/.test(textAt(container, 'image'))
      ? 'IfNotPresent'
      : 'Always',
  })
  for (const port of listAt(container, 'ports')) {
    const one = port as Record<string, unknown>
    fill(one, { protocol: 'TCP' })
    if (hostNetwork) fill(one, { hostPort: one['containerPort'] })
  }
  for (const name of ['readinessProbe', 'livenessProbe', 'startupProbe']) {
    if (container[name] === undefined) continue
    const probe = inside(container, name)
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 })
    if (probe['httpGet'] !== undefined)
      fill(inside(probe, 'httpGet'), { path: '/', scheme: 'HTTP' })
  }
  for (const variable of listAt(container, 'env')) {
    if (at(variable, 'valueFrom', 'fieldRef') === undefined) continue
    fill(inside(inside(variable as Record<string, unknown>, 'valueFrom'), 'fieldRef'), {
      apiVersion: 'v1',
    })
  }
}

/** Modes are octal in people's heads: 0644. */
const fileMode = 0o644

function defaultVolume(volume: Record<string, unknown>): void {
  for (const name of ['configMap', 'secret', 'projected', 'downwardAPI'])
    if (volume[name] !== undefined) fill(inside(volume, name), { defaultMode: fileMode })
  if (volume['hostPath'] !== undefined) fill(inside(volume, 'hostPath'), { type: '' })
  const kinds = Object.keys(volume).filter((key) => key !== 'name')
  if (kinds.length === 0) volume['emptyDir'] = {}
}

const restartPolicies = ['Always', 'OnFailure', 'Never']
const dnsPolicies = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']
const protocols = ['SCTP', 'TCP', 'UDP']

/** Checks a pod's spec as far as a wrong one would not run. */
export function podSpecErrors(
  spec: unknown,
  path: string,
  allowedRestartPolicies: readonly string[] = restartPolicies,
): readonly FieldError[] {
  const errors: FieldError[] = []
  const containers = listAt(spec, 'containers')
  if (containers.length === 0) errors.push(required(`${path}.containers`))
  const volumes = listAt(spec, 'volumes').map((volume) => textAt(volume, 'name'))
  volumes.forEach((name, index) => {
    if (name === '') errors.push(required(`${path}.volumes[${index}].name`))
    else errors.push(...dnsLabel(`${path}.volumes[${index}].name`, name))
    if (volumes.indexOf(name) !== index)
      errors.push(duplicate(`${path}.volumes[${index}].name`, name))
  })
  const names: string[] = []
  for (const key of ['containers', 'initContainers'])
    listAt(spec, key).forEach((container, index) => {
      errors.push(...containerErrors(container, `${path}.${key}[${index}]`, volumes, names))
    })
  const policy = at(spec, 'restartPolicy')
  if (policy !== undefined)
    errors.push(...oneOf(`${path}.restartPolicy`, policy, allowedRestartPolicies))
  const dnsPolicy = at(spec, 'dnsPolicy')
  if (dnsPolicy !== undefined) errors.push(...oneOf(`${path}.dnsPolicy`, dnsPolicy, dnsPolicies))
  if (dnsPolicy === 'None' && listAt(spec, 'dnsConfig', 'nameservers').length === 0)
    errors.push(
      required(
        `${path}.dnsConfig.nameservers`,
        'must provide at least one DNS nameserver when `dnsPolicy` is None',
      ),
    )
  const grace = at(spec, 'terminationGracePeriodSeconds')
  if (typeof grace === 'number' && grace < 0)
    errors.push(
      invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than or equal to 0'),
    )
  return errors
}

function containerErrors(
  container: unknown,
  path: string,
  volumes: readonly string[],
  names: string[],
): readonly FieldError[] {
  const errors: FieldError[] = []
  const name = textAt(container, 'name')
  if (name === '') errors.push(required(`${path}.name`))
  else errors.push(...dnsLabel(`${path}.name`, name))
  if (names.includes(name)) errors.push(duplicate(`${path}.name`, name))
  names.push(name)
  const image = textAt(container, 'image')
  if (image === '') errors.push(required(`${path}.image`))
  else if (image.trim() !== image)
    errors.push(invalid(`${path}.image`, image, 'must not have leading or trailing whitespace'))
  listAt(container, 'ports').forEach((port, index) => {
    const at_ = `${path}.ports[${index}]`
    const number = at(port, 'containerPort')
    if (number === undefined) errors.push(required(`${at_}.containerPort`))
    else errors.push(...portNumber(`${at_}.containerPort`, number))
    const protocol = at(port, 'protocol')
    if (protocol !== undefined && !(protocols as readonly unknown[]).includes(protocol))
      errors.push(notSupported(`${at_}.protocol`, protocol, protocols))
  })
  listAt(container, 'volumeMounts').forEach((mount, index) => {
    const volume = textAt(mount, 'name')
    if (!volumes.includes(volume))
      errors.push({
        type: 'FieldValueNotFound',
        field: `${path}.volumeMounts[${index}].name`,
        value: volume,
        detail: '',
      })
    if (textAt(mount, 'mountPath') === '')
      errors.push(required(`${path}.volumeMounts[${index}].mountPath`))
  })
  listAt(container, 'env').forEach((variable, index) => {
    if (textAt(variable, 'name') === '') errors.push(required(`${path}.env[${index}].name`))
  })
  return errors
}
