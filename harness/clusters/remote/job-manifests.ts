import type { KubeObject } from '../../model/kubernetes.ts'

/** A program that runs once on each of some nodes. */
export interface NodesJob {
  /** Of the Job and of what belongs to it. */
  readonly name: string
  readonly namespace: string
  readonly image: string
  /** `Never` where the image was given to the nodes, so that a mistake does not look like a slow registry. */
  readonly pullPolicy: 'Never' | 'IfNotPresent'
  readonly argv: readonly string[]
  /** Run before, for its output: `k6 version`. */
  readonly versionArgv: readonly string[]
  /** Text files that it finds in its folder, by name. */
  readonly files: Readonly<Record<string, string>>
  readonly nodes: readonly string[]
  /** How long it may run. */
  readonly deadlineSeconds: number
}

/** Folder of a job's files. */
export const filesDirectory = '/meshmark-job'

/** Label of its pods; its value is the Job's name. */
export const jobLabel = 'meshmark.dev/job'

export const mainContainer = 'main'
export const versionContainer = 'version'

/** A user of no name, and nothing that a load program does not need. */
const unprivileged = {
  runAsUser: 65_534,
  runAsGroup: 65_534,
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}

/** How long the Job of a run that was killed stays after its end. */
const leftSeconds = 600

/** The Job and the ConfigMap with its files: as many pods as nodes, one on each, none of them started again. */
export function jobManifests(job: NodesJob): readonly KubeObject[] {
  const { name, namespace, nodes, files, deadlineSeconds } = job
  const metadata = { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'meshmark' } }
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: files }
  const spec = {
    parallelism: nodes.length,
    completions: nodes.length,
    // why: when one fails, the load stops on all nodes
    backoffLimit: 0,
    activeDeadlineSeconds: deadlineSeconds,
    // why: nobody else removes what a killed harness left
    ttlSecondsAfterFinished: leftSeconds,
    template: { metadata: { labels: { [jobLabel]: name } }, spec: podSpec(job) },
  }
  return [config, { apiVersion: 'batch/v1', kind: 'Job', metadata, spec }]
}

function podSpec({ name, nodes, ...job }: NodesJob): object {
  const container = {
    image: job.image,
    imagePullPolicy: job.pullPolicy,
    workingDir: filesDirectory,
    securityContext: unprivileged,
    volumeMounts: [{ name: 'files', mountPath: filesDirectory }],
  }
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    tolerations: [{ operator: 'Exists' }],
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: oneOf(nodes) } },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { [jobLabel]: name } },
      },
    ],
    initContainers: [{ name: versionContainer, command: job.versionArgv, ...container }],
    containers: [{ name: mainContainer, command: job.argv, ...container }],
    volumes: [{ name: 'files', configMap: { name } }],
  }
}

/** By name: the label of the host name may be another. A term takes one name, and terms are alternatives. */
function oneOf(nodes: readonly string[]): object {
  return {
    nodeSelectorTerms: nodes.map((node) => ({
      matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }],
    })),
  }
}
