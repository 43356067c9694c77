/** Rewrites a result of one older `major.minor` into a newer one. */
export interface Migration {
  readonly from: string
  readonly to: string
  readonly migrate: (older: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
}

/** Every migration there is, in no particular order. */
export const migrations: readonly Migration[] = [
  // why: 1.1 adds `conformance`, which runs before it did not have
  { from: '1.0', to: '1.1', migrate: (older) => older },
  // why: 1.2 adds `gate`
  { from: '1.1', to: '1.2', migrate: (older) => older },
  // why: 1.3 adds experiments to the benchmark, and what answers mean
  { from: '1.2', to: '1.3', migrate: (older) => older },
]

/**
 * Leads a result step by step to `wanted`, a semver. Patch versions are the same format.
 * @returns undefined where no chain of migrations leads there
 */
export function migrateResult(
  result: Readonly<Record<string, unknown>>,
  wanted: string,
  known: readonly Migration[] = migrations,
): Readonly<Record<string, unknown>> | undefined {
  let current = result
  let version = format(String(result['schemaVersion']))
  for (let left = known.length; version !== format(wanted); left -= 1) {
    const next = known.find((migration) => migration.from === version)
    if (next === undefined || left === 0) return undefined
    current = next.migrate(current)
    version = next.to
  }
  return { ...current, schemaVersion: wanted }
}

/** `1.4` of `1.4.2`. */
function format(semver: string): string {
  return semver.split('.').slice(0, 2).join('.')
}
