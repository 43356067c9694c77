import type { AbortOptions } from '../../../../model/abort.ts'
import type { KubeletConfig } from '../config.ts'
import { programPath } from '../../network/command.ts'
import { fieldValue, type PodFacts } from './field-path.ts'
import { hostnameOf } from './hosts.ts'
import type { ContainerSpec, EnvVar, Pod } from './pod.ts'
import type { Sources } from './sources.ts'

export interface EnvInit {
  readonly pod: Pod
  readonly spec: ContainerSpec
  readonly image: Readonly<Record<string, string>>
  readonly facts: PodFacts
  readonly from: Sources
  readonly config: KubeletConfig
}

/**
 * A container's environment: the image's, the kubelet's, then envFrom, then env, as in Kubernetes. Of the Services only
 * `kubernetes` has variables.
 * @throws Error in the real kubelet's words when something that it refers to is missing
 */
export async function environmentOf(
  init: EnvInit,
  options: AbortOptions,
): Promise<Record<string, string>> {
  const { pod, spec, from, config } = init
  const result: Record<string, string> = {
    PATH: programPath,
    HOME: '/root',
    ...init.image,
    HOSTNAME: hostnameOf(pod, config),
    ...kubernetesService(config.serviceHost),
  }
  for (const { prefix = '', configMapRef, secretRef } of spec.envFrom ?? []) {
    if (configMapRef !== undefined)
      add(
        result,
        prefix,
        (await from.configMap(configMapRef.name, configMapRef.optional ?? false, options)).values,
      )
    if (secretRef !== undefined)
      add(
        result,
        prefix,
        (await from.secret(secretRef.name, secretRef.optional ?? false, options)).values,
      )
  }
  for (const variable of spec.env ?? []) {
    const value = await valueOf(variable, init, result, options)
    if (value !== undefined) result[variable.name] = value
  }
  return result
}

/** What the variables of a Service look like (docs: "Accessing the Service", environment variables). */
function kubernetesService(host: string): Record<string, string> {
  return {
    KUBERNETES_SERVICE_HOST: host,
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT: `tcp://${host}:443`,
    KUBERNETES_PORT_443_TCP: `tcp://${host}:443`,
    KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_443_TCP_PORT: '443',
    KUBERNETES_PORT_443_TCP_ADDR: host,
  }
}

function add(
  result: Record<string, string>,
  prefix: string,
  values: ReadonlyMap<string, Buffer>,
): void {
  for (const [key, value] of values) result[prefix + key] = value.toString()
}

async function valueOf(
  { name, value, valueFrom }: EnvVar,
  { pod, spec, facts, from }: EnvInit,
  known: Readonly<Record<string, string>>,
  options: AbortOptions,
): Promise<string | undefined> {
  if (valueFrom === undefined) return expand(value ?? '', known)
  const { fieldRef, configMapKeyRef, secretKeyRef, resourceFieldRef } = valueFrom
  if (fieldRef !== undefined) return fieldValue(pod, fieldRef.fieldPath, facts)
  if (resourceFieldRef !== undefined) return resourceValue(spec, resourceFieldRef.resource)
  const ref = configMapKeyRef ?? secretKeyRef
  if (ref === undefined) throw new Error(`env ${name}: valueFrom names nothing`)
  const optional = ref.optional ?? false
  const kind = configMapKeyRef === undefined ? 'Secret' : 'ConfigMap'
  const source =
    kind === 'Secret'
      ? await from.secret(ref.name, optional, options)
      : await from.configMap(ref.name, optional, options)
  const found = source.values.get(ref.key)
  if (found !== undefined) return found.toString()
  if (optional) return undefined
  throw new Error(`couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace}/${ref.name}`)
}

/** `limits.cpu` and the like; as written, because nothing here enforces it. */
function resourceValue({ resources }: ContainerSpec, path: string): string {
  const [list = '', ...rest] = path.split('.')
  const values = list === 'limits' ? resources?.limits : resources?.requests
  return values?.[rest.join('.')] ?? '0'
}

/** `$(NAME)` becomes the value of a known variable, `$$(NAME)` stays `$(NAME)`, unknown ones stay as they are. */
export function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]+)\)/g, (match, name: string | undefined) =>
    name === undefined ? '$' : (known[name] ?? match),
  )
}
