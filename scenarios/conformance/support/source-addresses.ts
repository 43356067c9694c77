import type { CheckContext } from '../../../harness/api.ts'
import { objectOf } from './cluster-facts.ts'

/** Host numbers of a node's pod CIDR (a /24) that no pod gets: nodes of tests have few pods, from .2 on. */
const [firstHost, lastHost] = [60, 250]

const given = new Map<string, number>()

/**
 * Source addresses that clients at this node's host position may use: unused ones of the node's pod CIDR, on its
 * loopback until the check ends. Answers find back, because the CIDR is routed to the node. Wants `node-access`.
 * @throws Error when the node has no such addresses left
 */
export async function sourceAddresses(
  context: CheckContext,
  node: string,
  count: number,
): Promise<readonly string[]> {
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
  await onLoopback(context, node, 'add', addresses)
  context.keep({
    [Symbol.asyncDispose]: () =>
      onLoopback({ ...context, signal: AbortSignal.timeout(10_000) }, node, 'del', addresses),
  })
  return addresses
}

async function onLoopback(
  context: Pick<CheckContext, 'probe' | 'signal'>,
  node: string,
  verb: 'add' | 'del',
  addresses: readonly string[],
): Promise<void> {
  const probe = await context.probe({ node, network: 'host' })
  const each = addresses.map((address) => `ip addr ${verb} ${address}/32 dev lo`).join(' && ')
  const seen = await probe.run(
    { kind: 'command', argv: ['sh', '-c', each], timeoutMs: 10_000 },
    context,
  )
  if (seen.kind !== 'exited' || seen.code !== 0)
    throw new Error(
      `ip addr ${verb} on ${node}: ${seen.kind === 'exited' ? seen.stderr : seen.kind}`,
    )
}
