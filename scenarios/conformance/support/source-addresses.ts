import type { CheckContext } from '../../../harness/api.ts'
import { objectOf } from './cluster-facts.ts'
import { onHost } from './positions.ts'
import { changedNode } from './shell.ts'

/** Host numbers of a node's pod CIDR (a /24) that no pod gets: nodes of tests have few pods, from .2 on. */
const [firstHost, lastHost] = [60, 250]

const given = new Map<string, number>()

/**
 * Source addresses that clients at a node's host position may use: unused ones of the node's pod CIDR, on its
 * loopback until the check ends. Answers find back, because the CIDR is routed to the node. Wants `node-access`.
 * @param index - of the node; 0 is the first edge node
 * @throws Error when the node has no such addresses left
 */
export async function sourceAddresses(
  context: CheckContext,
  index: number,
  count: number,
): Promise<readonly string[]> {
  const { node } = onHost(context, index)
  const { spec } = await objectOf(context, { apiVersion: 'v1', kind: 'Node' }, { name: node })
  const { podCIDR = '' } = spec as { podCIDR?: string }
  const [, prefix] = /^(\d+\.\d+\.\d+)\.0\/24$/.exec(podCIDR) ?? []
  if (prefix === undefined) throw new Error(`node ${node} has the pod CIDR ${podCIDR}, want a /24`)
  const first = given.get(node) ?? firstHost
  // why: checks that run at the same time must not share addresses; used ones come again after the last
  const from = first + count - 1 > lastHost ? firstHost : first
  if (from + count - 1 > lastHost) throw new Error(`${node} cannot have ${count} more addresses`)
  given.set(node, from + count)
  const addresses = Array.from({ length: count }, (_, index) => `${prefix}.${from + index}`)
  const each = (verb: 'add' | 'del'): string =>
    addresses.map((address) => `ip addr ${verb} ${address}/32 dev lo`).join(' && ')
  await changedNode(context, index, { todo: each('add'), undo: each('del') })
  return addresses
}
