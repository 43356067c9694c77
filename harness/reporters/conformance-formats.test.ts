import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import type { ConformanceReport } from '../model/conformance-report.ts'
import { badge } from './badge.ts'
import { conformanceReport, yaml } from './conformance-report.ts'
import { allRuns, conformantRun, nonConformantRun, passingRun } from './fixtures.ts'
import { junit } from './junit.ts'
import { markdown } from './markdown.ts'
import { sarif } from './sarif.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const good = conformantRun()
const bad = nonConformantRun()
const both = [good, bad]

interface Log {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } }
    readonly results: readonly {
      readonly ruleId: string
      readonly ruleIndex: number
      readonly level: string
      readonly message: { readonly text: string }
      readonly suppressions?: readonly { readonly justification: string }[]
    }[]
    readonly invocations: readonly {
      readonly executionSuccessful: boolean
      readonly toolExecutionNotifications: readonly {
        readonly message: { readonly text: string }
      }[]
    }[]
  }[]
}

/** The schema of SARIF as the package @microsoft/jest-sarif ships it; undefined where that is not installed. */
function sarifSchemaFile(): string | undefined {
  try {
    const main = createRequire(import.meta.url).resolve('@microsoft/jest-sarif/package.json')
    return join(main, '..', 'lib', 'schemas', 'sarif-2.1.0-rtm.5.json')
  } catch {
    return undefined
  }
}

const sarifSchema = sarifSchemaFile()
const noSchema = sarifSchema === undefined && '@microsoft/jest-sarif is not installed: npm ci'
const noXmllint =
  spawnSync('xmllint', ['--version']).error !== undefined &&
  'no xmllint: apt-get install libxml2-utils'

t.test('SARIF is valid for its published schema', { skip: noSchema }, async (t) => {
  // why: it is draft-04, of which it uses nothing that later drafts mean otherwise but its own name
  const { $schema, id, ...schema } = JSON.parse(
    await readFile(sarifSchema ?? '', 'utf8'),
  ) as Record<string, unknown>
  t.match([$schema, id], [/draft-04/, /sarif-2\.1\.0/])
  const ajv = new Ajv({ allErrors: true, strict: false, unicodeRegExp: false })
  ajvFormats.default(ajv)
  const validate: ValidateFunction = ajv.compile(schema)
  for (const results of [[good], [bad], both])
    t.ok(validate(JSON.parse(sarif.render(results))), JSON.stringify(validate.errors))
  const broken = sarif.render([bad]).replaceAll('"level": "error"', '"level": "fatal"')
  t.notOk(validate(JSON.parse(broken)), 'it does find what is wrong')
})

t.test('SARIF tells what is not met, with everything to repeat it', (t) => {
  const [run] = (JSON.parse(sarif.render([bad])) as Log).runs
  if (run === undefined) throw new Error('no run')
  t.same(
    run.results.map(({ ruleId, level }) => [ruleId, level]),
    [
      ['DNS-A-003', 'error'],
      ['DNS-HDL-003', 'warning'],
      ['L4-UDP-006', 'error'],
      ['L7-SMG-001', 'error'],
      ['LB-CH-008', 'error'],
      ['LB-DR-001', 'error'],
    ],
  )
  for (const { ruleId, ruleIndex } of run.results)
    t.equal(run.tool.driver.rules[ruleIndex]?.id, ruleId)
  const [first] = run.results
  for (const text of [
    'reason: 12 of 1000 answers were of the other namespace',
    'answers of the other namespace: expected 0, observed 12',
    'evidence/DNS-A-003/queries.txt',
    'reproduce: npx meshmark conform --target edgemesh --only DNS-A-003 --seed 7',
  ])
    t.match(first?.message.text, text)
  t.match(run.results[3]?.message.text, String.raw`\x1b[31mred`)
  t.match(run.results[4]?.suppressions, [{ justification: /issues\/587, until 2026-12-31/ }])
  t.match(run.invocations, [{ executionSuccessful: false }])
  const told = run.invocations[0]?.toolExecutionNotifications.map(({ message }) => message.text)
  t.ok(
    told?.includes(
      'EDGE-OFF-002 error: the probe program at edge-node-a ended unexpectedly (SIGKILL)',
    ),
  )
  t.ok(told?.some((text) => text.startsWith('L4-TCP-010 skipped: no address outside')))
  t.end()
})

t.test('a format of the suite refuses a run without the suite, for that looks like a pass', (t) => {
  for (const reporter of [sarif, badge, conformanceReport, yaml])
    t.throws(() => reporter.render([passingRun()]), {
      code: 'usage',
      message: `run 20251124-031104-9f2c1e has no conformance result, which ${reporter.id} shows`,
    })
  t.throws(() => sarif.render(Array(21).fill(good)), /21 runs are too many.*GitHub takes 20/)
  t.end()
})

t.test(
  'the conformance report is valid for its published schema, as JSON and as YAML',
  async (t) => {
    const ajv = new Ajv2020({ allErrors: true, strict: true })
    ajvFormats.default(ajv)
    const file = join(root, 'reports', 'schema', 'conformance-report-1.0.0.json')
    const validate = ajv.compile(JSON.parse(await readFile(file, 'utf8')) as object)
    const bench = { ...bad, ...passingRun(), conformance: bad.conformance } as typeof bad
    for (const run of [...both, bench]) {
      const report = JSON.parse(conformanceReport.render([run])) as ConformanceReport
      t.ok(validate(report), JSON.stringify(validate.errors))
      t.same(parse(yaml.render([run])), report)
    }
    const several = yaml.render(both)
    t.same(
      parseAllDocuments(several).map((one) => one.toJS() as unknown),
      JSON.parse(conformanceReport.render(both)),
    )
    const report = JSON.parse(conformanceReport.render([bench])) as ConformanceReport
    t.match(report.measurements[0], { path: 'raw', n: /\d+/, coordinatedOmission: 'openLoop' })
    t.notOk(validate({ ...report, note: 'x' }), 'a field that nobody knows')
  },
)

t.test('the checksum of a report can be computed by anybody, from its own text', (t) => {
  const report = JSON.parse(conformanceReport.render([bad])) as ConformanceReport
  const sorted = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(sorted)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([name, field]) => [name, sorted(field)]),
          )
        : value
  const text = JSON.stringify(sorted({ tests: report.tests, measurements: report.measurements }))
  t.equal(createHash('sha256').update(text).digest('hex'), report.integrity.testsSha256)
  t.end()
})

t.test('a badge per profile, and each is a file that shields takes', (t) => {
  const files = badge.parts?.([bad]) ?? new Map<string, string>()
  t.same([...files.keys()].slice(0, 3), ['conformance.json', 'dns.json', 'l4.json'])
  t.same(JSON.parse(files.get('dns.json') ?? ''), {
    schemaVersion: 1,
    label: 'DNS core',
    message: '6/7',
    color: 'red',
  })
  t.match(JSON.parse(files.get('l4.json') ?? ''), { message: '2/4', color: 'yellow' })
  t.match(JSON.parse(badge.render([good])), {
    conformance: { message: 'DNS, L4, L7, LB, EDGE, SECURITY, ROBUSTNESS', color: 'brightgreen' },
    robustness: { label: 'ROBUSTNESS core', message: '1/1' },
  })
  t.equal(badge.parts?.(both).size, 16, 'two runs do not overwrite each other')
  t.end()
})

t.test('JUnit is valid for our schema of its consumers', { skip: noXmllint }, (t) => {
  const xsd = join(root, 'harness', 'reporters', 'fixtures', 'junit.xsd')
  const check = (xml: string): string =>
    spawnSync('xmllint', ['--noout', '--schema', xsd, '-'], { input: xml, encoding: 'utf8' }).stderr
  for (const results of [[good], [bad], allRuns()])
    t.match(check(junit.render(results)), /^- validates/)
  t.match(check(junit.render([bad]).replaceAll(' message="', ' text="')), /fails to validate/)
  t.end()
})

t.test('JUnit: every row keeps its reason, and only what decides is a failure', (t) => {
  const xml = junit.render([bad])
  const one = (id: string): string =>
    new RegExp(`<testcase[^>]* name="${id} [^]*?(?:"/>|</testcase>)`).exec(xml)?.[0] ?? ''
  t.match(one('DNS-A-003'), 'classname="DNS.core"')
  t.match(one('DNS-A-003'), /<failure type="expectation" message="failed MUST: 12 of 1000 answers/)
  t.match(
    one('DNS-A-003'),
    /requirement: MUST, DNS core\nsource: S§2.1\nreason: [^]*\nreproduce: npx/,
  )
  t.match(one('DNS-A-003'), '[[ATTACHMENT|evidence/DNS-A-003/edge-node-a.pcap]]')
  t.match(one('DNS-HDL-003'), /<skipped message="failed SHOULD: NOERROR without an answer/)
  t.match(one('L4-UDP-006'), /<failure [^]*<flakyFailure type="expectation" message="flaky MUST/)
  t.match(one('L4-TCP-010'), '<skipped message="no address outside of the cluster')
  t.match(one('LB-CH-008'), /<skipped message="known issue MUST: [^"]*issues\/587/)
  t.match(one('LB-DR-001'), /<failure [^>]*stale known issue/)
  t.match(one('EDGE-OFF-002'), /<error type="harness" message="not judged MUST: the probe program/)
  t.match(one('L7-SMG-001'), /&lt;script&gt;/)
  t.notMatch(xml, /[\u0000-\u0008\u000B-\u001F]/)
  t.match(junit.render([good]), /<testsuites [^>]* failures="0" errors="0"/)
  t.end()
})

t.test('Markdown: verdict, profiles, failures in full; and never more than GitHub takes', (t) => {
  const text = markdown.render([bad])
  t.match(text, /^## ❌ EdgeMesh v1\.17\.0 failed: 2 of 25 MUST rows failed, 1 MUST row came out/)
  t.match(text, 'Exit code 1: at least one requirement that is a MUST is not met.')
  t.match(text, '| DNS | ❌ 6/7, 1 failed | ✅ 1/1, 2 not claimed | ❌ 2/3, 1 failed |')
  t.match(text, /#### ❌ DNS-A-003 [^]*Expected:\n\n```text\n10\.96\.12\.7 for web\.red/)
  t.match(text, '```sh\nnpx meshmark conform --target edgemesh --only DNS-A-003 --seed 7\n```')
  t.match(text, /<details><summary>3 other rows that did not pass/)
  t.match(markdown.render([good]), /^## ✅ .* passed: conformant: \d+ of \d+ MUST rows passed\./)
  const many = bad.conformance?.tests.map((test, at) => ({
    ...test,
    id: `${test.id}-${at}`,
    status: 'failed' as const,
    reason: 'x',
    observed: '☃'.repeat(1_000_000),
  }))
  const tests = Array.from({ length: 60 }, () => many ?? []).flat()
  if (bad.conformance === undefined) throw new Error('no conformance')
  const huge = { ...bad, conformance: { ...bad.conformance, tests } }
  const size = Buffer.byteLength(markdown.render([huge, huge]))
  t.ok(size > 200_000 && size < 1024 * 1024, `${size} bytes`)
  t.match(markdown.render([huge]), /And \d+ more rows, in full in result\.json: /)
  t.end()
})
