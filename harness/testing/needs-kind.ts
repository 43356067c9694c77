import { ended } from '../clusters/kind/cli.ts'
import { kind, type KindProviderInit } from '../clusters/kind/provider.ts'
import type { ClusterProvider } from '../model/cluster.ts'
import { root } from './sources.ts'

/** The node image that tests use; the kind CLI would pull its own, and tests pull none. */
export const kindNodeImage: string | undefined = process.env['MESHMARK_KIND_NODE_IMAGE']

/** Provider kind as tests use it. */
export function kindForTests(init: Partial<KindProviderInit> = {}): ClusterProvider {
  return kind({
    packageDirectory: root,
    ...(kindNodeImage !== undefined && { nodeImage: kindNodeImage }),
    ...init,
  })
}

/** Why clusters of provider kind cannot be had here; false when they can. */
export async function cannotRunKind(): Promise<string | false> {
  const [problem] = await kindForTests().preflight({ signal: AbortSignal.timeout(30_000) })
  if (problem !== undefined) return `${problem.subject}: ${problem.message}`
  return kindNodeImage === undefined && 'MESHMARK_KIND_NODE_IMAGE names no node image'
}

/** Why containers of these images cannot be had here, without pulling any; false when they can. */
export async function dockerLacks(images: readonly string[]): Promise<string | false> {
  const options = { signal: AbortSignal.timeout(30_000) }
  for (const argv of [['version'], ...images.map((image) => ['image', 'inspect', image])]) {
    const { exitCode, stdout, stderr } = await ended(['docker', ...argv], options)
    if (exitCode !== 0) return (stderr === '' ? stdout : stderr).trim()
  }
  return false
}
