import type {
  ConformanceResult,
  ProfileReport,
  ProfileStatus,
  TestResult,
  TestStatus,
} from '../model/conformance.ts'
import { factsOf, outcomeOf, partOf, troubles } from './conformance.ts'
import { absent, duration } from './format.ts'
import { fenced, inline, table } from './markdown-text.ts'
import { counted, cut } from './text.ts'

/** Characters of one expected or observed value. */
const maxValueLength = 2_000

const marks: Readonly<Record<TestStatus, string>> = {
  passed: '✅',
  failed: '❌',
  error: '❔',
  flaky: '🔀',
  knownIssue: '🔧',
  skipped: '➖',
  notSupported: '➖',
}

/** The conformance suite: profiles, what failed with everything to repeat it, the rest folded; at most `maxBytes`. */
export function conformanceBlocks(
  conformance: ConformanceResult,
  maxBytes: number,
): readonly string[] {
  const { profiles, tests, notAutomated } = conformance
  const listed = troubles(tests)
  const decisive = listed.filter((test) => ['failure', 'error'].includes(outcomeOf(test)))
  const others = listed.filter((test) => !decisive.includes(test))
  const open = within(decisive, maxBytes / 2)
  const folded = within(others, maxBytes / 4)
  return [
    '### Conformance',
    profileTable(profiles),
    ...open,
    folded.length === 0
      ? ''
      : details(`${counted(others.length, 'other row')} that did not pass`, folded.join('\n\n')),
    details(`All ${counted(tests.length, 'row')}`, allRows(tests, maxBytes / 4)),
    notAutomated.length === 0
      ? ''
      : `${counted(notAutomated.length, 'row')} of the catalogue ${notAutomated.length === 1 ? 'has' : 'have'} no check: see result.json.`,
  ]
}

function profileTable(profiles: readonly ProfileReport[]): string {
  return table(
    ['profile', 'core (MUST)', 'extended', 'recommended'],
    [':--', ':--', ':--', ':--'],
    profiles.map(({ name, core, extended, recommended }) => [
      name,
      statusText(core),
      statusText(extended),
      statusText(recommended),
    ]),
  )
}

const words: Readonly<Record<Exclude<TestStatus, 'passed'>, string>> = {
  failed: 'failed',
  error: 'not judged',
  flaky: 'flaky',
  knownIssue: 'known issue',
  skipped: 'skipped',
  notSupported: 'not claimed',
}

/** `✅ 78/78` or `❌ 76/78, 2 failed`; what is not claimed is not counted among all. */
function statusText(status: ProfileStatus | undefined): string {
  if (status === undefined) return absent
  const { statistics, result } = status
  const { passed, ...rest } = statistics
  const all = Object.values(rest).reduce((sum, one) => sum + one, passed) - rest.notSupported
  const others = Object.entries(words)
    .map(([name, word]) => ({ word, found: statistics[name as TestStatus] }))
    .filter(({ found }) => found > 0)
    .map(({ word, found }) => `, ${found} ${word}`)
  const mark = result === 'failure' ? '❌' : result === 'partial' ? '⚠️' : '✅'
  return `${all === 0 ? absent : `${mark} ${passed}/${all}`}${others.join('')}`
}

/** Rows in full as long as they fit, then the ids of the rest. */
function within(tests: readonly TestResult[], maxBytes: number): readonly string[] {
  const blocks: string[] = []
  let left = maxBytes
  for (const [at, test] of tests.entries()) {
    const block = row(test)
    left -= Buffer.byteLength(block) + 2
    if (left < 0) {
      const ids = tests.slice(at).map(({ id }) => inline(id))
      const shown = ids.slice(0, 500).join(', ')
      return [...blocks, `And ${counted(ids.length, 'more row')}, in full in result.json: ${shown}`]
    }
    blocks.push(block)
  }
  return blocks
}

function row(test: TestResult): string {
  const facts = factsOf(test).map(([name, text]) => {
    const shown = cut(text, maxValueLength)
    if (name === 'reproduce') return `Reproduce:\n\n${fenced(text, 'sh')}`
    if (name === 'expected' || name === 'observed' || name === 'findings')
      return `${capital(name)}:\n\n${fenced(shown)}`
    return `${capital(name)}: ${inline(shown.replaceAll('\n', ', '))}`
  })
  const title = `#### ${marks[test.status]} ${inline(`${test.id} ${test.title}`)} (${test.status})`
  return [title, ...facts].join('\n\n')
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function allRows(tests: readonly TestResult[], maxBytes: number): string {
  const lines = table(
    ['', 'row', 'level', 'part', 'status', 'took'],
    [':-:', ':--', ':--', ':--', ':--', '--:'],
    tests.map((test) => [
      marks[test.status],
      `${test.id} ${cut(test.title, 200)}`,
      test.level,
      `${test.profile} ${partOf(test)}`,
      test.status,
      duration(test.durationMs),
    ]),
  ).split('\n')
  let left = maxBytes
  const fitting = lines.filter((line) => (left -= Buffer.byteLength(line) + 1) >= 0)
  const missing = lines.length - fitting.length
  return missing === 0
    ? fitting.join('\n')
    : `${fitting.join('\n')}\n\nand ${counted(missing, 'more row')} in result.json`
}

function details(summary: string, text: string): string {
  return `<details><summary>${inline(summary)}</summary>\n\n${text}\n\n</details>`
}
