import type { ConformanceConclusion, KnownIssue, ProfileReport, TestResult } from './conformance.ts'

/** Semver of the format below. */
export const conformanceReportVersion = '1.0.0'

/**
 * The conformance part of a run for other programs: gateway-api's field names wherever the meaning is equal. What a run
 * did not observe is absent.
 */
export interface ConformanceReport {
  readonly apiVersion: 'meshmark.dev/v1alpha1'
  readonly kind: 'ConformanceReport'
  readonly schemaVersion: string
  /** RFC 3339, UTC: start of the run. */
  readonly date: string
  readonly runId: string
  readonly suite: {
    readonly name: string
    readonly version: string
    readonly commit?: string
    readonly dirty?: boolean
    readonly catalogueVersion: string
    readonly catalogueSha256: string
    readonly seed: number
    readonly argv: readonly string[]
    /** What was chosen to run; empty: everything. */
    readonly selection: Readonly<Record<string, string>>
  }
  readonly implementation: {
    readonly organization: string
    readonly project: string
    readonly url: string
    readonly version: string
    readonly contact: readonly string[]
  }
  /** As gateway-api: operating mode of the implementation. */
  readonly mode: string
  readonly environment: ReportEnvironment
  readonly declared: { readonly supportedFeatures: readonly string[] }
  readonly profiles: readonly ProfileReport[]
  readonly tests: readonly ReportTest[]
  readonly notAutomated: readonly { readonly id: string; readonly reason: string }[]
  readonly measurements: readonly Measurement[]
  readonly selfTest?: {
    readonly mutants: number
    readonly killed: number
    readonly survivors: readonly string[]
    readonly withoutMutant: readonly string[]
  }
  readonly harnessHealth: { readonly partial: boolean; readonly problems: readonly string[] }
  readonly conclusion: ConformanceConclusion
  /** Over the RFC 8785 form of the object `{measurements, tests}`. */
  readonly integrity: { readonly testsSha256: string }
}

export interface ReportEnvironment {
  /** The provider of the cluster: local, kind, k3d, kubeconfig. */
  readonly harness: string
  readonly os: string
  readonly kernel: string
  readonly arch: string
  readonly cpus: number
  readonly memoryMiB: number
  readonly topology: { readonly nodes: number; readonly lans: number }
  readonly tools: Readonly<Record<string, string>>
  readonly loadAverageAtStart: readonly number[]
}

export interface ReportTest {
  readonly id: string
  readonly title: string
  readonly level: TestResult['level']
  readonly profile: TestResult['profile']
  readonly feature?: string
  readonly source: TestResult['sources']
  readonly status: TestResult['status']
  /** Mandatory unless passed. */
  readonly reason?: string
  readonly expected?: string
  readonly observed?: string
  readonly startedAt: string
  readonly durationMs: number
  readonly attempts: number
  readonly convergence?: NonNullable<TestResult['convergence']>
  readonly checks: TestResult['findings']
  readonly statistic?: NonNullable<TestResult['statistic']>
  readonly evidence?: readonly {
    readonly type: TestResult['evidence'][number]['kind']
    readonly path: string
    readonly sha256: string
  }[]
  readonly knownIssue?: KnownIssue
  readonly namespace?: string
  readonly seed: number
  readonly reproduce: string
}

/** A question of the benchmark for one arm: the spread of its metric over the valid trials. */
export interface Measurement {
  readonly name: string
  readonly unit: 'us' | 'ms' | 'req/s' | 'us/req'
  readonly path: 'raw' | 'mesh'
  /** Valid trials. */
  readonly n: number
  readonly min: number
  readonly p50: number
  readonly max: number
  readonly coordinatedOmission: 'openLoop' | 'closedLoop'
}
