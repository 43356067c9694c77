import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { RunResult } from '../model/run-result.ts'
import {
  comparedRun,
  conformantRun,
  nextRelease,
  nonConformantRun,
  partialRun,
  passingRun,
} from '../reporters/fixtures.ts'
import { environmentText } from '../results/published.ts'

const main = join(import.meta.dirname, 'main.js')

function meshmark(...args: readonly string[]): {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
  })
  return { code: status, stdout, stderr }
}

// why: many processes, and the machine may be busy
t.setTimeout(180_000)

const folder = mkdtempSync(join(tmpdir(), 'meshmark-compare-'))
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

/** The file of this result, in a folder of that name. */
function kept(name: string, result: RunResult): string {
  const path = join(folder, name, 'result.json')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify(result))
  return path
}

/** The conformant run, in which one MUST fails by now. */
function broken(): RunResult {
  const run = conformantRun()
  const { conformance } = run
  if (conformance === undefined) throw new Error('the fixture has no conformance result')
  const failure = { reason: 'no such name', expected: 'NOERROR', observed: 'NXDOMAIN' }
  const tests = conformance.tests.map((test) =>
    test.id === 'DNS-A-001' ? { ...test, status: 'failed' as const, ...failure } : test,
  )
  return { ...run, runId: 'broken', conformance: { ...conformance, tests } }
}

const good = kept('good', conformantRun())
const bad = kept('bad', broken())

t.test(
  'compare tells a row that fails by now, with what was seen and the line that repeats it',
  (t) => {
    const { code, stdout } = meshmark('compare', good, bad)
    t.equal(code, 0, 'without --gate a comparison is no verdict')
    t.match(stdout, /^newly failing \(1\)\n {2}DNS-A-001 {2}MUST {2}passed in A, failed in B: /m)
    t.match(
      stdout,
      /^ {4}expected {3}NOERROR\n {4}observed {3}NXDOMAIN\n {4}reproduce {2}npx meshmark conform/m,
    )
    t.match(meshmark('compare', good, bad, '--gate'), {
      code: 1,
      stdout:
        /^gate failed: got worse \(exit code 1\):\n {2}DNS-A-001 \(MUST\) passed in A, fails in B$/m,
    })
    t.match(meshmark('compare', bad, good, '--gate'), {
      code: 0,
      stdout: /^newly passing \(1\)\n {2}failed, now passed: DNS-A-001$/m,
    })
    t.end()
  },
)

t.test('the same as Markdown and as JSON', (t) => {
  t.match(meshmark('compare', good, bad, '--gate', '--format', 'markdown'), {
    code: 1,
    stdout: /❌ \*\*gate failed[^]*#### newly failing \(1\)[^]*\*\*DNS-A-001\*\* \(MUST\)/,
  })
  const { comparisons } = JSON.parse(meshmark('compare', good, bad, '--gate', '--json').stdout) as {
    readonly comparisons: readonly [{ readonly comparison: object; readonly gate: object }]
  }
  t.match(comparisons, [
    {
      comparison: { conformance: { changes: [{ id: 'DNS-A-001', kind: 'newly-failing' }] } },
      gate: { exitCode: 1 },
    },
  ])
  const out = join(folder, 'out.md')
  t.match(
    meshmark('compare', good, bad, '--format', 'markdown', '-o', out).stdout,
    /^wrote .*out\.md/,
  )
  t.match(readFileSync(out, 'utf8'), /newly failing/)
  t.end()
})

t.test('numbers of other machines stand there without a word about which is better', (t) => {
  const [a, b] = [kept('run', passingRun()), kept('next', nextRelease())]
  const { code, stdout } = meshmark('compare', a, b)
  t.equal(code, 0)
  t.match(stdout, /A and B ran on different machines \(fingerprints \w{12} and \w{12}\)\./)
  t.match(stdout, /stand beside each other for the record and decide nothing/)
  t.match(stdout, /^ {2}kernel +6\.1 +6\.12$/m)
  t.match(stdout, /l7-latency\/value +\d+\sµs \(\d+ to \d+ at 9\d\.\d\s%, \d trials\)/)
  t.notMatch(stdout, /slower|faster|better|worse|regress|improve|[+−]\d+(\.\d+)? %/i)
  t.match(meshmark('compare', a, b, '--gate'), {
    code: 2,
    stderr: /nothing can be gated\n.*bench --vs BASELINE --gate/,
  })
  t.match(meshmark('compare', a, kept('session', comparedRun()), '--gate'), {
    code: 1,
    stdout:
      /B was measured in pairs with git:v0\.1\.0 .* in one session: worse\.[^]*gate failed: got worse/,
  })
  t.end()
})

t.test('two releases: what tests the same is a pair, what has none is told', (t) => {
  const releases = join(folder, 'releases')
  kept('releases/1.0.0/a/1-local', conformantRun())
  kept('releases/1.0.0/b/1-local', nonConformantRun())
  kept('releases/1.1.0/a/2-local', broken())
  const { code, stdout, stderr } = meshmark('compare', '1.0.0', '1.1.0', '--releases', releases)
  t.equal(code, 0)
  t.match(stdout, /newly failing \(1\)/)
  t.match(stderr, /^not compared: .*1\.0\.0\/b\/1-local\/result\.json: /m)
  t.match(meshmark('compare', '1.0.0/b', '1.1.0', '--releases', releases), { code: 0 })
  t.match(meshmark('compare', '1.0.0', '1.1.1', '--releases', releases), {
    code: 2,
    stderr:
      /got "1\.1\.1", want a result\.json[^]*releases: 1\.0\.0, 1\.1\.0; did you mean 1\.1\.0\?/,
  })
  t.end()
})

t.test('cut, partial and changed files are refused: value, rule, cure', (t) => {
  t.match(meshmark('compare', good, kept('partial', partialRun())), {
    code: 2,
    stdout: '',
    stderr:
      /partial[^]*broke off after 22 s; only whole runs are compared or published\n {2}run it again to its end: meshmark run/,
  })
  const cut = kept('cut', conformantRun())
  writeFileSync(cut, readFileSync(cut, 'utf8').slice(0, 5_000))
  t.match(meshmark('compare', good, cut), {
    code: 2,
    stderr: /stops after 5000 characters: it was cut short\n {2}copy it again/,
  })
  const published = kept('published', conformantRun())
  const files = new Map([['result.json', readFileSync(published, 'utf8')]])
  writeFileSync(
    join(folder, 'published', 'environment.json'),
    environmentText(conformantRun(), files),
  )
  t.match(meshmark('compare', published, bad), { code: 0 })
  writeFileSync(
    published,
    readFileSync(published, 'utf8').replace('"knownIssue":0', '"knownIssue":1'),
  )
  t.match(meshmark('compare', published, bad), {
    code: 2,
    stderr:
      /result\.json: got \d+ bytes with SHA-256 \w{12}…, want SHA-256 \w{12}…[^]*restore the file/,
  })
  t.end()
})

t.test('history: trends of releases, each run a line; what fits nothing is refused', (t) => {
  const releases = join(folder, 'trend')
  kept('trend/0.1.0/a/local', passingRun())
  kept('trend/0.2.0/a/local', nextRelease())
  kept('trend/0.2.0/b/local', conformantRun())
  const history = (...args: readonly string[]): ReturnType<typeof meshmark> =>
    meshmark('history', '--releases', releases, ...args)
  const { code, stdout } = history()
  t.equal(code, 0)
  t.match(
    stdout,
    /^conformance: meshmark reference data plane, provider local, chosen: --profile /m,
  )
  t.match(stdout, /^l7-latency\/value: .*, machine \w{12}, suite 0\.x$/m)
  t.match(stdout, /^ {2}0\.1\.0 +24 Nov 2025, 03:11 UTC +0\.1\.0 +\d+\sµs/m)
  t.match(stdout, /advisory: about one series in twenty shows one by chance/)
  t.match(history('--metric', 'l7-*', '--format', 'markdown').stdout, /^### l7-latency\/value: /m)
  const { series } = JSON.parse(history('--metric', '*/cpu', '--json').stdout) as {
    readonly series: readonly { readonly metric: string }[]
  }
  t.ok(series.length > 0 && series.every(({ metric }) => metric.endsWith('/cpu')))
  t.match(history('--metric', 'l8-*'), {
    code: 2,
    stderr: /--metric: got "l8-\*"[^]*l7-latency\/value/,
  })
  t.match(history('--target', 'edgemsh'), { code: 2, stderr: /there are reference/ })
  t.match(meshmark('history', kept('broken-off', partialRun())), { code: 2, stderr: /is partial/ })
  t.end()
})
