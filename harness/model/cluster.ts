import type { AbortOptions } from './abort.ts'
import type { Problem } from './errors.ts'
import type { KubeClient, KubeObject } from './kubernetes.ts'
import type { LinkShape, Topology } from './topology.ts'

/** What a cluster can do; found at run time, never assumed. */
export type Capability =
  | 'multi-node'
  | 'multi-lan'
  | 'node-access'
  | 'link-rate'
  | 'link-delay'
  | 'link-loss'
  /** A node can be cut off from the others. */
  | 'node-fault'
  /** A node can be stopped and started, its programs killed. */
  | 'node-stop'
  | 'api-fault'
  /** It was made for this run: nothing in it is anybody else's, so definitions may be taken out and put back. */
  | 'own-cluster'
  /** meshmark made it, for this run or another: definitions of ours may be put into it for the run. */
  | 'definitions'
  | 'ipv6'
  /** The nodes' resolv.conf names an address where the harness can put a name server of its own (`upstreamDns`). */
  | 'upstream-dns'
  /** Kubernetes' own kubelets, controllers and CNI plugins: hostPort, evictions, rolling updates as they are. */
  | 'kubernetes'

/** Where a client stands: on a node, in its host network or in a pod's (container) network. */
export interface Position {
  readonly node: string
  readonly network: 'host' | 'container'
}

/** Where clusters come from. */
export interface ClusterProvider {
  readonly id: string
  /** Makes another cluster while one stands: checks that want one of another shape get it. */
  readonly makesMore?: true
  /** Finds out what would stop `create`, all of it at once. Empty means ready. */
  preflight(options: AbortOptions): Promise<readonly Problem[]>
  /**
   * Boots a cluster and resolves when every node is Ready.
   * @throws ClusterError when it cannot; nothing is left behind then
   */
  create(topology: Topology, options: CreateOptions): Promise<Cluster>
}

export interface CreateOptions extends AbortOptions {
  /** Names folders and processes of this run; letters, digits and dashes. */
  readonly runId: string
  /** Told what is being done, one short line at a time ("booting 3 nodes"). */
  readonly progress?: (line: string) => void
  /**
   * Called with a synchronous undo that leaves nothing behind (kills, removes the run's folder): the command line
   * runs it when the user presses Ctrl-C a second time and nobody waits for an orderly end any more.
   */
  readonly lastResort?: (undo: () => void) => void
  /** Images that the target will ask for: given to the nodes while they boot, where nodes take images. */
  readonly images?: readonly ImageSource[]
  /** A new one beside the cluster that the run works in, also where that is one that was kept. */
  readonly isBeside?: true
  /** Asked, before anything is made, by providers whose containers are programs of this machine. */
  readonly programs?: () => Promise<Programs>
}

/** Command lines of programs of this machine, by the repository of the image that each stands in for. */
export type Programs = Readonly<Record<string, readonly string[]>>

export interface ClusterNode {
  readonly name: string
  readonly role: 'master' | 'edge' | 'worker'
  /** The node's address in its LAN. */
  readonly address: string
  readonly lan: string
}

/** A running cluster. Disposing removes everything it made. */
export interface Cluster extends AsyncDisposable {
  readonly provider: string
  /** What the provider's own tool calls it; absent where nobody else can see it (provider local). */
  readonly name?: string
  /**
   * From now on disposing leaves it as it is, so that `--cluster NAME` can use it again. Absent where it cannot stay.
   * @param target - id of the target that was left in it
   */
  keep?(target?: string): Promise<void>
  readonly capabilities: ReadonlySet<Capability>
  /** Path of a private kubeconfig file that works from the harness' own machine. */
  readonly kubeconfig: string
  /** URL at which the nodes reach the Kubernetes API before any Service works. */
  readonly apiServer: string
  /** As it was asked for; `upstreamDns` has addresses alone. */
  readonly topology: Topology
  /** Where scenarios put their objects; `default` when absent. */
  readonly namespace?: string
  readonly nodes: readonly ClusterNode[]
  /** Kubernetes version and what else describes this cluster in a report. */
  readonly description: Readonly<Record<string, string>>
  readonly kube: KubeClient
  /**
   * Starts one of the harness' own programs at a position, beside the API: it keeps working while the API is cut.
   * A container position is a pod of its own (image `meshmark/probe`), made on first use and kept.
   */
  spawn(at: Position, program: ProgramName, options: SpawnOptions): Promise<ProgramChannel>
  /**
   * Applies manifests (server-side apply) and resolves when the API took all of them.
   * Disposing deletes what did not exist before and waits until it is gone.
   */
  apply(manifests: readonly KubeObject[], options: AbortOptions): Promise<AsyncDisposable>
  /**
   * Builds an image unless one of the same contents is there, gives it to every node, and says what to call it in a
   * pod. Absent where containers are no images (provider local).
   */
  loadImage?(source: ImageSource, options: AbortOptions): Promise<string>
  /**
   * How many connections kube-proxy has sent to a Service on any node, those of Kubernetes itself left out. Undefined
   * where nodes lack the program to count with; the method is absent where there is no kube-proxy.
   */
  kubeProxyConnections?(options: AbortOptions): Promise<number | undefined>
  /** Breaks something; disposing heals it. */
  fault(fault: Fault, options: AbortOptions): Promise<AsyncDisposable>
  /** Writes logs, events and objects into a folder, for people who look for the cause of a failure. */
  collect(directory: string, options: AbortOptions): Promise<void>
}

/** What an image is made of: parts of the installed package of meshmark, files of this machine. */
export interface ImageSource {
  /** `meshmark/reference`; the tag follows from the contents. */
  readonly name: string
  /** Folders, relative to the package. */
  readonly folders: readonly string[]
  /** Names of npm packages; those that they depend on go along, into `node_modules`. */
  readonly packages: readonly string[]
  /** Files of this machine and what they are called beside the Dockerfile. */
  readonly files?: readonly { readonly from: string; readonly to: string }[]
  /** The text of a Dockerfile. */
  readonly dockerfile: string
}

/** `probe` answers probe jobs, `load` generates load, `shell` runs one command given as arguments. */
export type ProgramName = 'probe' | 'load' | 'shell'

export interface SpawnOptions extends AbortOptions {
  readonly args?: readonly string[]
  /** Pins the program to these CPUs, e.g. `[1]`, where the machine allows it. */
  readonly cpus?: readonly number[]
}

/** A program that speaks JSON lines (or raw text) on its stdin and stdout. Disposing kills it. */
export interface ProgramChannel extends AsyncDisposable {
  /** Writes one message as a JSON line. */
  send(message: unknown): void
  /** Ends the program's stdin. */
  end(): void
  /** The lines of its stdout, parsed as JSON where they parse and as strings where not; ends with the program. */
  readonly messages: AsyncIterable<unknown>
  readonly exited: Promise<ProgramExit>
}

export interface ProgramExit {
  readonly code: number | null
  readonly signal: string | null
  /** The last 64 KiB of what it said on stderr. */
  readonly stderr: string
}

/** Something to break. */
export type Fault =
  | { readonly kind: 'cut-node'; readonly node: string; readonly from: 'control-plane' | 'all' }
  | { readonly kind: 'link'; readonly node: string; readonly shape: LinkShape }
  /** The node loses its power; healing starts it and waits until it is Ready. */
  | { readonly kind: 'stop-node'; readonly node: string }
  /** SIGKILL for every process of this name on the node; healing waits until one runs again. */
  | { readonly kind: 'kill-component'; readonly node: string; readonly component: string }
  | { readonly kind: 'api'; readonly behaviour: ApiFault }

/** How the Kubernetes API misbehaves. `match` narrows it to request paths that contain the text. */
export type ApiFault = { readonly match?: string } & (
  | { readonly kind: 'latency'; readonly delayMs: number }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'empty-list' }
  | { readonly kind: 'cut-watch' }
  | { readonly kind: 'stalled-watch' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'compact' }
)
