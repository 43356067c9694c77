import type { ConformanceResult, ProfileReport, ProfileStatus } from '../model/conformance.ts'
import type { Reporter } from '../model/reporter.ts'
import type { RunResult } from '../model/run-result.ts'
import { conformanceOf } from './conformance.ts'
import { slug } from './html/frame.ts'

/** https://shields.io/badges/endpoint-badge */
interface Badge {
  readonly schemaVersion: 1
  readonly label: string
  readonly message: string
  readonly color: 'brightgreen' | 'yellow' | 'red' | 'lightgrey'
}

/**
 * Badges for the shields endpoint, one per profile and one for the whole: `DNS core 78/78`. As one document they are a
 * map from name to badge; shields wants a file each, which is what `parts` gives.
 */
export const badge: Reporter = {
  id: 'badge',
  extension: '.json',
  render: (results) => {
    const maps = results.map((result) => Object.fromEntries(badges(result)))
    return text(maps.length === 1 ? maps[0] : maps)
  },
  parts: (results) =>
    new Map(
      results.flatMap((result) =>
        badges(result).map(
          ([name, one]) =>
            [
              results.length === 1 ? `${name}.json` : `${slug(result.runId)}-${name}.json`,
              text(one),
            ] as const,
        ),
      ),
    ),
}

function text(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function badges(result: RunResult): readonly (readonly [string, Badge])[] {
  const conformance = conformanceOf(result, 'badge')
  return [
    ['conformance', whole(conformance)],
    ...conformance.profiles.map((profile) => [slug(profile.name), ofProfile(profile)] as const),
  ]
}

function whole({ conclusion, profiles }: ConformanceResult): Badge {
  const names = profiles.map(({ name }) => name).join(', ')
  const told = {
    conformant: { message: names, color: 'brightgreen' },
    partial: { message: 'partial', color: 'yellow' },
    nonConformant: { message: 'not conformant', color: 'red' },
    inconclusive: { message: 'no verdict', color: 'lightgrey' },
  } as const
  return { schemaVersion: 1, label: 'edge mesh conformance', ...told[conclusion] }
}

function ofProfile({ name, core }: ProfileReport): Badge {
  const { passed, ...rest } = core.statistics
  const all = Object.values(rest).reduce((sum, one) => sum + one, passed)
  return {
    schemaVersion: 1,
    label: `${name} core`,
    message: all === 0 ? 'not run' : `${passed}/${all}`,
    color: all === 0 ? 'lightgrey' : colour(core),
  }
}

function colour({ result }: ProfileStatus): Badge['color'] {
  return result === 'success' ? 'brightgreen' : result === 'partial' ? 'yellow' : 'red'
}
