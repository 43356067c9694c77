import type { KubeObject, ObjectMeta } from '../../../../model/kubernetes.ts'

/** A pod as far as a kubelet reads it. */
export interface Pod extends KubeObject {
  readonly metadata: ObjectMeta & { readonly uid: string; readonly namespace: string }
  readonly spec: PodSpec
  readonly status?: { readonly phase?: string; readonly [field: string]: unknown }
}

export interface PodSpec {
  readonly nodeName?: string
  readonly hostNetwork?: boolean
  readonly hostname?: string
  readonly subdomain?: string
  readonly dnsPolicy?: string
  readonly dnsConfig?: DnsConfig
  readonly hostAliases?: readonly { readonly ip: string; readonly hostnames: readonly string[] }[]
  readonly serviceAccountName?: string
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never'
  readonly terminationGracePeriodSeconds?: number
  readonly containers: readonly ContainerSpec[]
  readonly initContainers?: readonly ContainerSpec[]
  readonly volumes?: readonly Volume[]
}

export interface DnsConfig {
  readonly nameservers?: readonly string[]
  readonly searches?: readonly string[]
  readonly options?: readonly { readonly name: string; readonly value?: string }[]
}

export interface ContainerSpec {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly workingDir?: string
  readonly env?: readonly EnvVar[]
  readonly envFrom?: readonly EnvFrom[]
  readonly volumeMounts?: readonly VolumeMount[]
  readonly readinessProbe?: ProbeSpec
  readonly livenessProbe?: ProbeSpec
  readonly startupProbe?: ProbeSpec
  readonly lifecycle?: { readonly postStart?: Handler; readonly preStop?: Handler }
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  readonly resources?: Resources
  readonly imagePullPolicy?: string
  readonly securityContext?: { readonly privileged?: boolean }
  readonly terminationMessagePath?: string
  /** `Always` on an init container makes it a sidecar. */
  readonly restartPolicy?: string
}

export interface Resources {
  readonly requests?: Readonly<Record<string, string>>
  readonly limits?: Readonly<Record<string, string>>
}

export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string }
    readonly configMapKeyRef?: KeyRef
    readonly secretKeyRef?: KeyRef
    readonly resourceFieldRef?: { readonly resource: string }
  }
}

export interface KeyRef {
  readonly name: string
  readonly key: string
  readonly optional?: boolean
}

export interface EnvFrom {
  readonly prefix?: string
  readonly configMapRef?: { readonly name: string; readonly optional?: boolean }
  readonly secretRef?: { readonly name: string; readonly optional?: boolean }
}

export interface VolumeMount {
  readonly name: string
  readonly mountPath: string
  readonly subPath?: string
  readonly subPathExpr?: string
  readonly readOnly?: boolean
}

export interface KeyToPath {
  readonly key: string
  readonly path: string
  readonly mode?: number
}

export interface Volume {
  readonly name: string
  readonly emptyDir?: { readonly medium?: string }
  readonly hostPath?: { readonly path: string; readonly type?: string }
  readonly configMap?: {
    readonly name: string
    readonly items?: readonly KeyToPath[]
    readonly optional?: boolean
    readonly defaultMode?: number
  }
  readonly secret?: {
    readonly secretName: string
    readonly items?: readonly KeyToPath[]
    readonly optional?: boolean
    readonly defaultMode?: number
  }
  readonly projected?: {
    readonly sources: readonly ProjectedSource[]
    readonly defaultMode?: number
  }
  readonly downwardAPI?: { readonly items: readonly DownwardItem[] }
}

export interface DownwardItem {
  readonly path: string
  readonly fieldRef?: { readonly fieldPath: string }
}

export interface ProjectedSource {
  readonly serviceAccountToken?: {
    readonly path: string
    readonly audience?: string
    readonly expirationSeconds?: number
  }
  readonly configMap?: {
    readonly name: string
    readonly items?: readonly KeyToPath[]
    readonly optional?: boolean
  }
  readonly secret?: {
    readonly name: string
    readonly items?: readonly KeyToPath[]
    readonly optional?: boolean
  }
  readonly downwardAPI?: { readonly items: readonly DownwardItem[] }
}

export interface Handler {
  readonly exec?: { readonly command: readonly string[] }
  readonly httpGet?: HttpGet
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string }
  readonly sleep?: { readonly seconds: number }
}

export interface HttpGet {
  readonly path?: string
  readonly port: number | string
  readonly host?: string
  readonly scheme?: string
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[]
}

export interface ProbeSpec extends Handler {
  readonly initialDelaySeconds?: number
  readonly periodSeconds?: number
  readonly timeoutSeconds?: number
  readonly successThreshold?: number
  readonly failureThreshold?: number
  readonly terminationGracePeriodSeconds?: number
}
