import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { RunResult } from '../model/run-result.ts'
import {
  conformantRun,
  failingRun,
  invalidRun,
  partialRun,
  passingRun,
} from '../reporters/fixtures.ts'

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

const folder = mkdtempSync(join(tmpdir(), 'meshmark-publish-'))
t.teardown(() => {
  rmSync(folder, { recursive: true })
})
const releases = join(folder, 'releases')

function kept(name: string, result: RunResult): string {
  const path = join(folder, name, 'result.json')
  mkdirSync(dirname(path), { recursive: true })
  // why: not as meshmark writes it, so that a copy that is not byte for byte would show
  writeFileSync(path, `${JSON.stringify(result, null, 1)}\n\n`)
  return path
}

t.test('a release folder holds result, report, histograms and fingerprint with checksums', (t) => {
  const run = kept('run', passingRun())
  const place = join(releases, '0.1.0', 'meshmark-reference', '0.1.0-local')
  t.match(meshmark('publish', run, '--releases', releases), { code: 0, stdout: `wrote ${place}\n` })
  t.same(readdirSync(place).sort(), [
    'README.md',
    'environment.json',
    'histograms.hlog',
    'report.html',
    'result.json',
  ])
  t.equal(readFileSync(join(place, 'result.json'), 'utf8'), readFileSync(run, 'utf8'))
  t.match(JSON.parse(readFileSync(join(place, 'environment.json'), 'utf8')), {
    fingerprint: /^\w{12}$/,
    machine: { kernel: '6.1' },
    files: { 'histograms.hlog': /^\w{64}$/, 'result.json': /^\w{64}$/ },
  })
  t.match(readFileSync(join(place, 'README.md'), 'utf8'), /^npx meshmark run --seed 2864434397$/m)
  t.match(meshmark('publish', run, '--releases', releases), {
    code: 2,
    stderr: /is published already: .*0\.1\.0-local\/result\.json/,
  })
  const again = kept('again', { ...passingRun(), runId: '20260101-000000-aaaaaa' })
  t.match(meshmark('publish', again, '--releases', releases), {
    code: 0,
    stdout: `wrote ${place}-20260101-000000-aaaaaa\n`,
  })
  const log = join(place, 'histograms.hlog')
  writeFileSync(log, readFileSync(log, 'utf8').slice(0, 2_000))
  t.match(meshmark('history', '--releases', releases), {
    code: 2,
    stderr: /histograms\.hlog: got 2000 bytes .*it was cut, changed or lost after it was published/,
  })
  t.end()
})

t.test('without a benchmark there are no histograms', (t) => {
  const other = join(folder, 'other')
  t.match(meshmark('publish', kept('conform', conformantRun()), '--releases', other), { code: 0 })
  t.notOk(
    readdirSync(join(other, '0.1.0', 'meshmark-reference', '0.1.0-local')).includes(
      'histograms.hlog',
    ),
  )
  t.end()
})

t.test('what breaks the rules is not published: value, rule, cure', (t) => {
  const nowhere = join(folder, 'nowhere')
  for (const [name, run, wanted] of [
    ['partial', partialRun(), /only whole runs/],
    ['invalid', invalidRun(), /conclusion: got invalid, want .*; cure: run it again/],
    ['dirty', failingRun(), /suite\.dirty: got true, want .*; cure: commit/],
  ] as const)
    t.match(meshmark('publish', kept(name, run), '--releases', nowhere), {
      code: 2,
      stdout: '',
      stderr: wanted,
    })
  t.throws(() => readdirSync(nowhere), { code: 'ENOENT' }, 'nothing was made')
  t.end()
})
