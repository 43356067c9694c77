import type { Target } from '../../model/target.ts'
import { dnsSoak } from './dns.ts'
import { httpSoak } from './http.ts'
import { killSoak } from './kills.ts'
import type { Outcome, SoakFlags } from './outcome.ts'
import { type SoakScene, soakScene } from './scene.ts'

type SoakPart = (scene: SoakScene, flags: SoakFlags) => Promise<Outcome>

const parts: Readonly<Record<string, SoakPart>> = {
  dns: dnsSoak,
  http: httpSoak,
  kill: killSoak,
}

export const partNames: readonly string[] = Object.keys(parts)

/** Runs one part in a cluster of its own. @throws RangeError for a name that is none */
export async function soak(
  name: string,
  target: Target,
  flags: SoakFlags,
  signal: AbortSignal,
): Promise<Outcome> {
  const part = parts[name]
  if (part === undefined)
    throw new RangeError(`--only: got ${name}, want one of ${partNames.join(', ')}`)
  await using scene = await soakScene(target, signal)
  return await part(scene, flags)
}
