import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'

/** Runs a script on a node and gives its lines. @throws TargetError 'not-ready' when it fails */
export async function shellLines(
  cluster: Cluster,
  node: string,
  script: string,
  options: AbortOptions,
): Promise<readonly string[]> {
  const args = ['sh', '-c', script]
  await using channel = await cluster.spawn({ node, network: 'host' }, 'shell', {
    ...options,
    args,
  })
  channel.end()
  const lines: string[] = []
  for await (const line of channel.messages) lines.push(String(line))
  const { code, stderr } = await channel.exited
  if (code !== 0)
    throw new TargetError('not-ready', `sh on ${node}: exit code ${String(code)}: ${stderr.trim()}`)
  return lines
}
