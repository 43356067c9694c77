import type { CheckContext, Position } from '../../../harness/api.ts'

/** What connections through a Service hold on a node. */
export interface Handles {
  /** Of the target's processes there. */
  readonly openFiles: number
  /** Connection tracking entries of the ClusterIP that the kernel will not drop by itself within two minutes. */
  readonly conntrack: number
}

/**
 * Entries in TIME_WAIT and CLOSE are left out: their connection is over, and the kernel takes them away on its own.
 * @throws Error where connection tracking cannot be read
 */
export async function handlesOn(
  context: CheckContext,
  at: Position & { readonly network: 'host' },
  clusterIp: string,
): Promise<Handles> {
  const [{ openFiles }, conntrack] = await Promise.all([
    context.target.usage(at.node, context),
    trackedOn(context, at, clusterIp),
  ])
  return { openFiles, conntrack }
}

async function trackedOn(context: CheckContext, at: Position, clusterIp: string): Promise<number> {
  const list = `{ conntrack -L -f ipv4 -p tcp --orig-dst ${clusterIp} 2>/dev/null || cat /proc/net/nf_conntrack || exit 1; }`
  const script = `${list} | grep -F 'dst=${clusterIp} ' | grep -vcE ' (TIME_WAIT|CLOSE) '; [ "\${PIPESTATUS[0]}" = 0 ]`
  const probe = await context.probe(at)
  const seen = await probe.run(
    { kind: 'command', argv: ['bash', '-c', script], timeoutMs: 20_000 },
    context,
  )
  if (seen.kind !== 'exited' || seen.code !== 0)
    throw new Error(
      `connection tracking of ${at.node} cannot be read: ${seen.kind === 'exited' ? seen.stderr : seen.kind}`,
    )
  return Number(seen.stdout.trim())
}
