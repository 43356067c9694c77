import type { ConformanceResult, TestResult } from '../model/conformance.ts'
import { isStale, partOf } from './conformance.ts'
import { counted } from './text.ts'

/** MUST rows that were asked for: of the core, and of features that are claimed. */
function musts({ tests }: ConformanceResult): readonly TestResult[] {
  return tests.filter(({ level, status }) => level === 'MUST' && status !== 'notSupported')
}

function having(tests: readonly TestResult[], status: TestResult['status']): number {
  return tests.filter((test) => test.status === status).length
}

/** `conformant: 312 of 312 MUST rows passed`, for a run that passed. */
export function goodText(conformance: ConformanceResult): string {
  const all = musts(conformance)
  const known = having(all, 'knownIssue')
  const head = conformance.conclusion === 'conformant' ? 'conformant' : 'conformant in part'
  return `${head}: ${having(all, 'passed')} of ${counted(all.length, 'MUST row')} passed${known === 0 ? '' : `, ${known} known to fail`}`
}

/** `4 of 312 MUST rows failed, 1 is flaky`, for a run that failed; empty when none of it is the suite's. */
export function badText(conformance: ConformanceResult): string {
  const all = musts(conformance)
  const stale = conformance.tests.filter(isStale).length
  const failed = having(all, 'failed') - all.filter(isStale).length
  const flaky = having(all, 'flaky')
  return [
    ...(failed > 0 ? [`${failed} of ${counted(all.length, 'MUST row')} failed`] : []),
    ...(flaky > 0 ? [`${counted(flaky, 'MUST row')} came out differently when repeated`] : []),
    ...(stale > 0 ? [`${counted(stale, 'known issue')} ${stale === 1 ? 'is' : 'are'} stale`] : []),
  ].join(', ')
}

/** Why the suite gives no verdict; empty when it gives one. */
export function unprovenText(conformance: ConformanceResult): string {
  const all = musts(conformance)
  if (conformance.conclusion === 'conformant' || conformance.conclusion === 'nonConformant')
    return ''
  const errors = having(all, 'error')
  const skipped = having(
    all.filter((test) => partOf(test) === 'core'),
    'skipped',
  )
  const parts = [
    ...(errors > 0 ? [`${counted(errors, 'MUST row')} could not be judged`] : []),
    ...(skipped > 0
      ? [`${counted(skipped, 'core row')} ${skipped === 1 ? 'was' : 'were'} skipped`]
      : []),
  ]
  if (parts.length > 0) return parts.join(' and ')
  return conformance.conclusion === 'inconclusive' ? 'no row was judged' : ''
}
