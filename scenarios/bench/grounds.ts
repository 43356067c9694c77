import type { Ground, Grounded } from '../../harness/api.ts'

/** What of the grounds is wanted, and what could not be had. */
export interface Grounds {
  readonly uses: ReadonlySet<Ground>
  /** Why a ground could not be set up. */
  readonly missing: Partial<Record<Ground, string>>
  /** Sets one up; undefined, and a reason in `missing`, where that fails. An abort is thrown. */
  readonly tried: <T>(ground: Ground, work: () => Promise<T>) => Promise<T | undefined>
}

export function groundsOf(asked: readonly Grounded[], signal: AbortSignal): Grounds {
  const missing: Partial<Record<Ground, string>> = {}
  return {
    uses: new Set(asked.flatMap(({ uses = [] }) => uses)),
    missing,
    tried: async (ground, work) => {
      try {
        return await work()
      } catch (error) {
        signal.throwIfAborted()
        missing[ground] = error instanceof Error ? error.message : String(error)
        return undefined
      }
    },
  }
}

type PayloadGround = Extract<Ground, `${string}-payloads`>

const ways: readonly PayloadGround[] = ['l7-payloads', 'l4-payloads']

/**
 * Sets the files up once, then looks through each port that is asked of: one that carries nothing is no fault of the
 * other.
 */
export async function throughEither<T>(
  { uses, missing, tried }: Grounds,
  setUp: () => Promise<T>,
  reach: (files: T, ground: PayloadGround) => Promise<void>,
): Promise<T | undefined> {
  const wanted = ways.filter((ground) => uses.has(ground))
  const [first] = wanted
  if (first === undefined) return undefined
  const files = await tried(first, setUp)
  if (files === undefined) {
    Object.assign(missing, Object.fromEntries(wanted.map((ground) => [ground, missing[first]])))
    return undefined
  }
  for (const ground of wanted) await tried(ground, () => reach(files, ground))
  return files
}
