import type { ConformanceResult, TestResult } from '../model/conformance.ts'
import { UsageError } from '../model/errors.ts'
import type { Reporter } from '../model/reporter.ts'
import type { Level } from '../model/requirement.ts'
import type { RunResult } from '../model/run-result.ts'
import { catalogueFile } from './catalogue-file.ts'
import { conformanceOf, factsOf, outcomeOf, requirementText, whyText } from './conformance.ts'
import { cut, visible } from './text.ts'
import { subjectName } from './verdict.ts'

/** GitHub refuses a file with more. */
const maxRuns = 20

/** Characters of one message. */
const maxMessageLength = 8_000

const levels: Readonly<Record<Level, 'error' | 'warning' | 'note'>> = {
  MUST: 'error',
  SHOULD: 'warning',
  MAY: 'note',
}

/**
 * SARIF 2.1.0 (OASIS): rules are the requirements, results what is not met. A known issue is a suppressed result; what
 * was not judged or skipped is a notification of the tool, so that its reason is kept.
 */
export const sarif: Reporter = {
  id: 'sarif',
  extension: '.sarif',
  render: (results) => {
    if (results.length > maxRuns)
      throw new UsageError(
        `${results.length} runs are too many for one SARIF file: GitHub takes ${maxRuns}`,
        [],
        { hint: 'render them in several files' },
      )
    const log = {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: results.map(run),
    }
    return `${JSON.stringify(log, null, 2)}\n`
  },
}

function run(result: RunResult): object {
  const conformance = conformanceOf(result, 'sarif')
  const { implementation, suite } = result
  const { tests } = conformance
  const rules = new Map(tests.map(({ id }, at) => [id, at] as const))
  const found = tests.filter(({ status }) => ['failed', 'flaky', 'knownIssue'].includes(status))
  return {
    tool: {
      driver: {
        name: suite.name,
        version: suite.version,
        semanticVersion: suite.version,
        rules: tests.map(rule),
      },
    },
    automationDetails: {
      id: `${suite.name}/${implementation.organization}/${implementation.project}/${implementation.mode ?? 'default'}/`,
    },
    invocations: [invocation(result, conformance)],
    results: found.map((test) => finding(test, rules.get(test.id) ?? -1, result)),
    properties: {
      runId: result.runId,
      subject: subjectName(result),
      conclusion: conformance.conclusion,
      catalogueVersion: conformance.catalogue.version,
    },
  }
}

function rule(test: TestResult): object {
  const [url] = test.sources.flatMap((source) => source.url ?? [])
  return {
    id: test.id,
    shortDescription: message(test.title),
    fullDescription: message(`${test.title} (${test.sources.map(({ ref }) => ref).join('; ')})`),
    ...(url !== undefined && isWeb(url) && { helpUri: url }),
    defaultConfiguration: { level: levels[test.level] },
    properties: {
      tags: [test.profile, test.level, ...(test.feature === undefined ? [] : [test.feature])],
    },
  }
}

/** Anything else is no URI for every reader. */
function isWeb(url: string): boolean {
  return /^https?:\/\//i.test(url) && URL.canParse(url)
}

function finding(test: TestResult, ruleIndex: number, { implementation }: RunResult): object {
  const facts = factsOf(test).map(([name, text]) => `${name}: ${text}`)
  return {
    ruleId: test.id,
    ruleIndex,
    kind: 'fail',
    level: levels[test.level],
    message: message([`${test.title}: ${whyText(test)}`, ...facts].join('\n')),
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: catalogueFile(test.id, test.profile), uriBaseId: '%SRCROOT%' },
          region: { startLine: 1 },
        },
        logicalLocations: [{ name: test.id, fullyQualifiedName: requirementText(test) }],
      },
    ],
    partialFingerprints: {
      'requirementId/v1': `${test.id}/${implementation.organization}/${implementation.project}`,
    },
    ...(test.knownIssue !== undefined &&
      test.status === 'knownIssue' && {
        suppressions: [
          {
            kind: 'external',
            justification: `${test.knownIssue.url}, until ${test.knownIssue.expires}`,
          },
        ],
      }),
    properties: {
      status: test.status,
      reproduce: test.reproduce,
      evidence: test.evidence.map(({ path }) => path),
    },
  }
}

function invocation(result: RunResult, { tests }: ConformanceResult): object {
  const unjudged = tests.filter(({ status }) =>
    ['error', 'skipped', 'notSupported'].includes(status),
  )
  const troubled = unjudged.some((test) => outcomeOf(test) === 'error')
  return {
    executionSuccessful: !result.partial && !troubled && result.problems.length === 0,
    startTimeUtc: result.startedAt,
    commandLine: `meshmark ${result.suite.argv.join(' ')}`,
    toolExecutionNotifications: [
      ...result.problems.map((problem) => ({ level: 'error', message: message(problem) })),
      ...unjudged.map((test) => ({
        level: test.status === 'error' ? 'error' : 'note',
        message: message(`${test.id} ${test.status}: ${test.reason ?? 'no reason given'}`),
        associatedRule: { id: test.id },
      })),
    ],
  }
}

function message(text: string): { readonly text: string } {
  return { text: cut(visible(text), maxMessageLength) }
}
