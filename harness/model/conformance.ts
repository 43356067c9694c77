import type { Convergence, EvidenceKind, Finding, Statistic } from './check.ts'
import type { Level, Profile, Source } from './requirement.ts'

/** What the conformance suite found about one target in one run: part of a RunResult. */
export interface ConformanceResult {
  readonly catalogue: { readonly version: string; readonly sha256: string; readonly rows: number }
  /** What the user chose to run; empty means everything. */
  readonly selection: Readonly<Record<string, string>>
  readonly declaredFeatures: readonly string[]
  readonly profiles: readonly ProfileReport[]
  readonly tests: readonly TestResult[]
  /** Rows of the catalogue that no check judges, with the reason. */
  readonly notAutomated: readonly { readonly id: string; readonly reason: string }[]
  readonly conclusion: ConformanceConclusion
  readonly selfTest?: SelfTestResult
}

export type ConformanceConclusion = 'conformant' | 'partial' | 'nonConformant' | 'inconclusive'

/** As an item of gateway-api's `profiles`. */
export interface ProfileReport {
  readonly name: Profile
  readonly summary: string
  /** MUST rows without a feature. */
  readonly core: ProfileStatus
  /** Rows that name a feature. */
  readonly extended?: ProfileStatus & {
    readonly supportedFeatures: readonly string[]
    readonly unsupportedFeatures: readonly string[]
    /** Rows that passed although their feature is not claimed. */
    readonly undeclaredPassed?: readonly string[]
  }
  /** SHOULD and MAY rows without a feature; they never change the conclusion. */
  readonly recommended?: ProfileStatus
}

export interface ProfileStatus {
  readonly result: 'success' | 'partial' | 'failure'
  readonly statistics: Readonly<Record<TestStatus, number>>
  readonly skippedTests?: readonly string[]
  readonly failedTests?: readonly string[]
}

/**
 * `error`: trouble of the harness. `flaky`: verdicts of repetitions differ. `knownIssue`: fails as its expectation says.
 * `notSupported`: the row's feature is not claimed.
 */
export type TestStatus =
  'passed' | 'failed' | 'skipped' | 'notSupported' | 'error' | 'flaky' | 'knownIssue'

/** The verdict on one row. */
export interface TestResult {
  readonly id: string
  readonly title: string
  readonly level: Level
  readonly profile: Profile
  readonly feature?: string
  readonly sources: readonly Source[]
  readonly status: TestStatus
  /** Why; always there unless passed. */
  readonly reason?: string
  readonly expected?: string
  readonly observed?: string
  /** RFC 3339, UTC. */
  readonly startedAt: string
  readonly durationMs: number
  /** How often it ran: `--repeat`. */
  readonly attempts: number
  readonly findings: readonly Finding[]
  readonly convergence?: Convergence
  readonly statistic?: Statistic & { readonly adjustedP: number }
  readonly evidence: readonly EvidenceFile[]
  /**
   * Its expectation, where one is in force: with status `knownIssue` it failed as expected; a `failed` row that has one
   * passes by now, so the expectation is stale.
   */
  readonly knownIssue?: KnownIssue
  /** Namespace in which it worked. */
  readonly namespace?: string
  readonly seed: number
  /** One shell line that runs just this row again. */
  readonly reproduce: string
}

/** A failure that is known (expectations/<target>.yaml). */
export interface KnownIssue {
  readonly url: string
  /** Last day on which it is believed, `2026-12-31` UTC; afterwards the row counts as failed. */
  readonly expires: string
}

/** A file beside the result, with its checksum. */
export interface EvidenceFile {
  readonly kind: EvidenceKind
  /** Relative to the folder of the result. */
  readonly path: string
  readonly sha256: string
}

/** The suite run against the reference with one fault at a time. */
export interface SelfTestResult {
  readonly mutants: readonly {
    readonly id: string
    readonly title: string
    /** Rows that failed because of it. */
    readonly killedBy: readonly string[]
    /** Rows that were to fail and did not. */
    readonly survived: readonly string[]
  }[]
  /** Automated MUST rows that kill no mutant. */
  readonly withoutMutant: readonly string[]
}
