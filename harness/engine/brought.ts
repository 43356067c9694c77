import type { CreateOptions } from '../model/cluster.ts'
import type { Target } from '../model/target.ts'

/** What a provider is told of the target before there is a cluster: its images, and the programs that they stand for. */
export async function broughtBy(
  target: Target,
): Promise<Pick<CreateOptions, 'images' | 'programs'>> {
  const images = await target.images?.()
  return {
    ...(images !== undefined && { images }),
    ...(target.programs !== undefined && {
      programs: () => target.programs?.() ?? Promise.resolve({}),
    }),
  }
}
