import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, Position } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'

/**
 * Runs a shell script at a position and gives its stdout.
 * @throws TargetError when it exits with another code than 0, with its stderr
 */
export async function runShell(
  cluster: Cluster,
  at: Position,
  script: string,
  options: AbortOptions,
): Promise<string> {
  await using channel = await cluster.spawn(at, 'shell', { ...options, args: ['sh', '-c', script] })
  channel.end()
  const lines: string[] = []
  for await (const line of channel.messages)
    lines.push(typeof line === 'string' ? line : JSON.stringify(line))
  const { code, stderr } = await channel.exited
  if (code !== 0)
    throw new TargetError(
      'unsupported',
      `on ${at.node}: ${script} ended with ${String(code)}: ${stderr.trim()}`,
    )
  return lines.join('\n')
}
