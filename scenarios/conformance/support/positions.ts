import type { CheckContext, Position } from '../../../harness/api.ts'

/** A client in the container network of a node; node 0 is the first edge node. */
export function inPod({ nodes }: Pick<CheckContext, 'nodes'>, index = 0): Position {
  return { node: nodeAt(nodes, index), network: 'container' }
}

/** A client in the host network of a node; wants the capability `node-access`. */
export function onHost({ nodes }: Pick<CheckContext, 'nodes'>, index = 0): Position {
  return { node: nodeAt(nodes, index), network: 'host' }
}

function nodeAt(nodes: CheckContext['nodes'], index: number): string {
  const node = nodes[index]
  if (node === undefined) throw new RangeError(`there is no node ${index} of ${nodes.length}`)
  return node.name
}
