import { local } from '../clusters/local/provider.ts'
import { root } from './sources.ts'

/** Why provider local cannot run here, as a reason to skip; false when it can. */
export async function cannotRunLocal(): Promise<string | false> {
  const problems = await local({ packageDirectory: root }).preflight({
    signal: AbortSignal.timeout(10_000),
  })
  const [first] = problems
  return first === undefined ? false : `provider local: ${first.subject}: ${first.message}`
}
