import type { AbortOptions } from './abort.ts'
import type { Cluster, ImageSource, Programs } from './cluster.ts'
import type { CatalogueFeature } from './requirement.ts'
import type { Topology } from './topology.ts'

/** What a target claims to do beyond the core of each profile. */
export type Feature = CatalogueFeature | 'path-metrics' | 'node-dns'

/** Who made the implementation under test, as in gateway-api reports. */
export interface Identity {
  readonly organization: string
  readonly project: string
  readonly url: string
  readonly version: string
  /** How it was run, where that changes its numbers: "as shipped: CPU 200m". */
  readonly mode?: string
  readonly contact: readonly string[]
}

/** An implementation under test. */
export interface Target {
  readonly id: string
  readonly identity: Identity
  readonly features: ReadonlySet<Feature>
  /** What the cluster must be built with for this target, e.g. where its DNS server answers. */
  readonly topology: Partial<Pick<Topology, 'clusterDns' | 'clusterDomain'>>
  /**
   * `absent` for a target that serves every Service itself: a cluster that is made for it gets no kube-proxy unless
   * the user wants one, and where there is one, its counters must not move for what was asked.
   */
  readonly kubeProxy?: 'absent'
  /** Images that it is made of; `deploy` asks the cluster for them, who boots the cluster may do so earlier. */
  images?(): Promise<readonly ImageSource[]>
  /** Images that it names and does not build: they have to be in Docker, and are given to the nodes. */
  readonly imageNames?: readonly string[]
  /**
   * Programs of this machine that its images stand for where containers are no images (provider local).
   * @throws TargetError naming what is missing
   */
  programs?(): Promise<Programs>
  deploy(cluster: Cluster, options: AbortOptions): Promise<DeployedTarget>
}

/** Disposing uninstalls it the way its own documentation says. */
export interface DeployedTarget extends AsyncDisposable {
  /** Resolves when it serves on every node. */
  ready(options: AbortOptions): Promise<void>
  /** What was found out about it once it served: versions and modes of what a cluster brings along. */
  identity?(options: AbortOptions): Promise<Partial<Pick<Identity, 'version' | 'mode'>>>
  restart(node: string, how: 'term' | 'kill', options: AbortOptions): Promise<void>
  /** What its processes on this node used since they started. */
  usage(node: string, options: AbortOptions): Promise<ResourceUsage>
  /** Which way connections took on this node; only with the feature `path-metrics`. */
  paths?(node: string, options: AbortOptions): Promise<PathCounters>
  /** Where it tells of itself: URLs, asked on the node. */
  readonly tells?: SelfReport
  /** Its agents' pods; absent where it has none. */
  readonly pods?: PodsOf
  /** Ids of its agent's processes on this node, as the node itself sees them; empty when none runs. */
  pids?(node: string, options: AbortOptions): Promise<readonly number[]>
  readonly documented?: Documented
  /** Takes off the node what it keeps there for its next start, which is then like its first. Absent where it keeps nothing. */
  forget?(node: string, options: AbortOptions): Promise<void>
  /** Lines that it logged on this node in the last seconds, since its last start at most. */
  log?(node: string, sinceSeconds: number, options: AbortOptions): Promise<readonly string[]>
}

/** A target that was taken off its cluster. */
export interface Uninstalled {
  /** Deploys it once more and resolves when it serves; does nothing but wait when it was done before. */
  readonly reinstall: (options: AbortOptions) => Promise<void>
}

/** Which pods are meant. */
export interface PodsOf {
  readonly namespace: string
  readonly labelSelector: string
}

/** What the documentation of a target says of the node that it runs on. */
export interface Documented {
  /** Files and folders of a node that it writes and leaves there when it is removed. */
  readonly files?: readonly string[]
  /** Ports on which its agents listen, for all protocols. */
  readonly ports?: readonly number[]
  /** A setting of the first container in its pods that it has to refuse, and the word by which it has to name it. */
  readonly refuses?: {
    readonly env?: Readonly<Record<string, string>>
    /** More arguments. */
    readonly args?: readonly string[]
    readonly key: string
  }
  /** Arguments with which its program only tells of itself. */
  readonly tellsBy?: { readonly help: readonly string[]; readonly version: readonly string[] }
}

/** Absent is what a target does not have. */
export interface SelfReport {
  /** Tells the version, in whatever form. */
  readonly version?: string
  readonly liveness?: string
  readonly readiness?: string
  /** Prometheus' text format. */
  readonly metrics?: string
}

export interface ResourceUsage {
  /** User plus system time of its processes, in microseconds. */
  readonly cpuUs: number
  readonly rssBytes: number
  readonly openFiles: number
}

/** Counters since start; only differences mean anything. */
export interface PathCounters {
  /** New connections forwarded by the kernel or a byte-wise proxy. */
  readonly l4Connections: number
  /** HTTP requests that a proxy parsed. */
  readonly l7Requests: number
}
