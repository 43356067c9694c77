import type { RunResult } from '../model/run-result.ts'
import { shellLine } from './text.ts'

/** The line that repeats a run, seed included. */
export function reproduceCommand({ suite }: Pick<RunResult, 'suite'>): string {
  const seeded = suite.argv.some((word) => word === '--seed' || word.startsWith('--seed='))
  const argv = seeded ? suite.argv : [...suite.argv, '--seed', String(suite.seed)]
  return `npx meshmark ${shellLine(argv)}`
}

/** `meshmark 0.1.0, commit 8ac377a0c4f8 with local changes`. */
export function suiteText({ suite }: Pick<RunResult, 'suite'>): string {
  const commit = suite.commit === undefined ? '' : `, commit ${suite.commit.slice(0, 12)}`
  return `${suite.name} ${suite.version}${commit}${suite.dirty === true ? ' with local changes' : ''}`
}
