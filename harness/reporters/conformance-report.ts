import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import { conformanceReportVersion } from '../model/conformance-report.ts'
import type { ConformanceReport, Measurement, ReportTest } from '../model/conformance-report.ts'
import type { SelfTestResult, TestResult } from '../model/conformance.ts'
import type { Reporter } from '../model/reporter.ts'
import type { BenchArm, BenchQuestion, RunResult } from '../model/run-result.ts'
import { canonicalJson } from './canonical-json.ts'
import { conformanceOf } from './conformance.ts'

/** `conformance-report.json`; several runs become a list. */
export const conformanceReport: Reporter = {
  id: 'conformance-report',
  extension: '.json',
  render: (results) => {
    const reports = results.map((result) => reportOf(result, 'conformance-report'))
    return `${JSON.stringify(reports.length === 1 ? reports[0] : reports, null, 2)}\n`
  },
}

/** The same as YAML; several runs become several documents. */
export const yaml: Reporter = {
  id: 'yaml',
  extension: '.yaml',
  render: (results) =>
    results
      // why: through JSON, so that what JSON leaves out or turns into null is the same in both
      .map((result): unknown => JSON.parse(JSON.stringify(reportOf(result, 'yaml'))))
      .map((report) => stringify(report, { aliasDuplicateObjects: false }))
      .join('---\n'),
}

function reportOf(result: RunResult, format: string): ConformanceReport {
  const conformance = conformanceOf(result, format)
  const { suite, implementation, environment, cluster } = result
  const tests = conformance.tests.map(testOf)
  const measurements = (result.bench?.questions ?? []).flatMap(measurementsOf)
  return {
    apiVersion: result.apiVersion,
    kind: 'ConformanceReport',
    schemaVersion: conformanceReportVersion,
    date: result.startedAt,
    runId: result.runId,
    suite: {
      ...suite,
      catalogueVersion: conformance.catalogue.version,
      catalogueSha256: conformance.catalogue.sha256,
      selection: conformance.selection,
    },
    implementation: {
      organization: implementation.organization,
      project: implementation.project,
      url: implementation.url,
      version: implementation.version,
      contact: implementation.contact,
    },
    mode: implementation.mode ?? 'default',
    environment: {
      harness: cluster.provider,
      os: environment.os,
      kernel: environment.kernel,
      arch: environment.arch,
      cpus: environment.cpus,
      memoryMiB: environment.memoryMib,
      topology: {
        nodes: cluster.nodes.length,
        lans: new Set(cluster.nodes.map(({ lan }) => lan)).size,
      },
      tools: environment.tools,
      loadAverageAtStart: environment.loadAverageAtStart,
    },
    declared: { supportedFeatures: conformance.declaredFeatures },
    profiles: conformance.profiles,
    tests,
    notAutomated: conformance.notAutomated,
    measurements,
    ...(conformance.selfTest !== undefined && { selfTest: selfTestOf(conformance.selfTest) }),
    harnessHealth: { partial: result.partial, problems: result.problems },
    conclusion: conformance.conclusion,
    integrity: { testsSha256: sha256(canonicalJson({ measurements, tests })) },
  }
}

function testOf({ sources, findings, evidence, ...test }: TestResult): ReportTest {
  return {
    ...test,
    source: sources,
    // why: JSON has no undefined, and a check without one of its sides could not be recomputed
    checks: findings.map(({ expected = null, observed = null, ...finding }) => ({
      ...finding,
      expected,
      observed,
    })),
    ...(evidence.length > 0 && {
      evidence: evidence.map(({ kind: type, path, sha256: sum }) => ({ type, path, sha256: sum })),
    }),
  }
}

function measurementsOf(question: BenchQuestion): readonly Measurement[] {
  return question.arms.flatMap((arm) => measurementOf(question, arm))
}

function measurementOf({ id, unit, load }: BenchQuestion, arm: BenchArm): readonly Measurement[] {
  const values = arm.trials.flatMap(({ value }) => value ?? []).sort((a, b) => a - b)
  const [min] = values
  const max = values.at(-1)
  if (min === undefined || max === undefined || arm.value === undefined) return []
  return [
    {
      name: id,
      unit,
      path: arm.id === 'direct' ? 'raw' : 'mesh',
      n: values.length,
      min,
      p50: arm.value,
      max,
      coordinatedOmission: load.startsWith('open loop') ? 'openLoop' : 'closedLoop',
    },
  ]
}

function selfTestOf({
  mutants,
  withoutMutant,
}: SelfTestResult): NonNullable<ConformanceReport['selfTest']> {
  const survivors = mutants.filter(({ killedBy }) => killedBy.length === 0).map(({ id }) => id)
  return {
    mutants: mutants.length,
    killed: mutants.length - survivors.length,
    survivors,
    withoutMutant,
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
