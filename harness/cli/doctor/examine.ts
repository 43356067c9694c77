import { lookAtClusters } from './clusters.ts'
import type { Finding } from './finding.ts'
import { lookAtImages } from './images.ts'
import { machineLooks } from './machine.ts'
import { lookAtNamespaces } from './namespaces.ts'
import { programLooks } from './programs.ts'

/** Looks at everything at once; the order of the findings is fixed. */
export async function examine(): Promise<readonly Finding[]> {
  const [node, ...rest] = machineLooks
  const looks = [
    ...(node === undefined ? [] : [node]),
    lookAtNamespaces,
    ...programLooks,
    ...rest,
    lookAtImages,
    lookAtClusters,
  ]
  return Promise.all(looks.map((look) => look()))
}

/** What the default run cannot do without and does not have. */
export function blocking(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => finding.required && finding.state !== 'ok')
}

/** One line per finding, with its cost and cure below where it has them. */
export function findingText(finding: Finding): string {
  const mark =
    finding.state === 'ok' ? 'ok     ' : finding.state === 'missing' ? 'missing' : 'broken '
  const lines = [`${mark}  ${finding.id.padEnd(16)} ${finding.detail}`]
  if (finding.costs !== undefined) lines.push(`         ${''.padEnd(16)} costs: ${finding.costs}`)
  if (finding.cure !== undefined && finding.cure !== '')
    lines.push(`         ${''.padEnd(16)} cure:  ${finding.cure}`)
  return lines.join('\n')
}
