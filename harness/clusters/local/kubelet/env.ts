import type { AbortOptions } from '../../../model/abort.ts'
import type { KubeletConfig } from './config.ts'
import { fieldValue, type PodFacts } from './field-path.ts'
import type { ContainerSpec, EnvVar, Pod } from './pod.ts'
import type { Sources } from './sources.ts'

/** A container's environment: what the kubelet gives everybody, then envFrom, then env, as in Kubernetes. */
export async function environmentOf(
  pod: Pod,
  container: ContainerSpec,
  facts: PodFacts,
  from: Sources,
  config: KubeletConfig,
  options: AbortOptions,
): Promise<Record<string, string>> {
  const result: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOSTNAME: pod.spec.hostNetwork === true ? config.nodeName : pod.metadata.name,
    HOME: '/root',
    KUBERNETES_SERVICE_HOST: config.serviceHost,
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
  }
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const values =
      configMapRef !== undefined
        ? await from.configMap(configMapRef.name, configMapRef.optional ?? false, options)
        : secretRef !== undefined
          ? await from.secret(secretRef.name, secretRef.optional ?? false, options)
          : new Map<string, Buffer>()
    for (const [key, value] of values) result[prefix + key] = value.toString()
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable, pod, facts, from, options, result)
    if (value !== undefined) result[variable.name] = value
  }
  return result
}

async function valueOf(
  { value, valueFrom }: EnvVar,
  pod: Pod,
  facts: PodFacts,
  from: Sources,
  options: AbortOptions,
  known: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  if (valueFrom === undefined) return expand(value ?? '', known)
  const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom
  if (fieldRef !== undefined) return fieldValue(pod, fieldRef.fieldPath, facts)
  const ref = configMapKeyRef ?? secretKeyRef
  if (ref === undefined) return ''
  const optional = ref.optional ?? false
  const kind = configMapKeyRef === undefined ? 'Secret' : 'ConfigMap'
  const values = await (kind === 'Secret' ? from.secret : from.configMap)(
    ref.name,
    optional,
    options,
  )
  const found = values.get(ref.key)
  if (found !== undefined) return found.toString()
  if (optional) return undefined
  throw new Error(`couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace}/${ref.name}`)
}

/** `$(NAME)` becomes the value of an earlier variable, `$$(NAME)` stays `$(NAME)`, unknown ones stay as they are. */
export function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]+)\)/g, (match, name: string | undefined) =>
    name === undefined ? '$' : (known[name] ?? match),
  )
}
