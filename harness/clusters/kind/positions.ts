import type { AbortOptions } from '../../model/abort.ts'
import type { Position } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import type { KubeClient } from '../../model/kubernetes.ts'
import { probePodAt } from '../remote/probe-pods.ts'
import { output } from './cli.ts'

const namespace = 'meshmark-probes'

/** The pods at the positions: two per node, one of them on the host network; made on first use and kept. */
export interface Positions {
  /** Process id, on the node, of the container that stands there. */
  pidAt(at: Position, options: AbortOptions): Promise<number>
  /** The processes of this node are gone: it was stopped. */
  forget(node: string): void
}

export interface PositionsInit {
  readonly kube: KubeClient
  readonly image: string
  /** Docker container of each node. */
  readonly containers: ReadonlyMap<string, string>
}

export function positions(init: PositionsInit): Positions {
  const known = new Map<string, Promise<number>>()
  return {
    pidAt: async (at, options) => {
      const key = `${at.network}-${at.node}`
      const others = known.get(key)
      if (others !== undefined) return others
      const made = make(init, at, options)
      known.set(key, made)
      // why: who waits next tries again
      made.catch(() => known.delete(key))
      return made
    },
    forget: (node) => {
      for (const network of ['host', 'container']) known.delete(`${network}-${node}`)
    },
  }
}

async function make(
  { kube, image, containers }: PositionsInit,
  at: Position,
  options: AbortOptions,
): Promise<number> {
  const pods = { kube, image, namespace, pullPolicy: 'Never' } as const
  const { containerId } = await probePodAt(pods, at, options)
  const find = `grep -ls ${containerId} /proc/[0-9]*/cgroup | head -1`
  const node = containers.get(at.node) ?? ''
  const found = await output(['docker', 'exec', node, 'sh', '-c', find], options)
  const [, pid] = /^\/proc\/(\d+)\//.exec(found) ?? []
  if (pid === undefined)
    throw new ClusterError('not-ready', `no process of container ${containerId} on ${at.node}`)
  return Number(pid)
}
