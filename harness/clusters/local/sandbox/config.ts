import type { Fault, Programs } from '../../../model/cluster.ts'
import type { Topology } from '../../../model/topology.ts'
import type { ControlPlanePrograms } from '../envtest/programs.ts'
import type { ShapeCapability } from '../network/shape.ts'

/** The first line on the sandbox' stdin. Paths are as the host sees them. */
export interface SandboxConfig {
  readonly runDirectory: string
  /** Folder of the installed package: programs are started from its `dist`. */
  readonly packageDirectory: string
  readonly topology: Topology
  readonly nodeTokens: Readonly<Record<string, string>>
  /** A real control plane instead of the embedded one. */
  readonly controlPlanePrograms?: ControlPlanePrograms
  /** Programs of this machine that images of the target stand for. */
  readonly programs?: Programs
}

/**
 * What the sandbox says on stdout, one JSON line each: `alive` first, when it has its namespaces and its configuration;
 * `ready` when every component is; `failed` when one is not, or ends later.
 */
export type SandboxEvent =
  | { readonly event: 'alive' }
  | { readonly event: 'progress'; readonly line: string }
  | { readonly event: 'ready'; readonly capabilities: readonly ShapeCapability[] }
  | { readonly event: 'failed'; readonly message: string }

/** Where the run folder is inside the sandbox: the same everywhere in it, whatever is mounted over /tmp. */
export const insideDirectory = '/run/meshmark'

/** Where a package that lies below /tmp is kept, because nodes and pods have a /tmp of their own. */
export const keptDirectory = '/run/meshmark-kept'

/** One request per connection to `control.sock`: its first line. */
export type ControlRequest =
  | { readonly kind: 'exec'; readonly exec: ExecRequest }
  | { readonly kind: 'fault'; readonly fault: NetworkFault }

export interface ExecRequest {
  readonly node: string
  /** Run in this pod's namespaces; in the node's when absent. */
  readonly podUid?: string
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cpus?: readonly number[]
}

/** Faults of cables. They last as long as the connection that asked for them. */
export type NetworkFault = Extract<Fault, { kind: 'cut-node' | 'link' }>
