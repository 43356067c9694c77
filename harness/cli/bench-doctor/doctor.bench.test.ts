import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Check } from './check.ts'
import type { BenchDoctorReport } from './examine.ts'

/* The command as a person types it. This machine may be as busy as it likes: no time is asserted, only what holds then, too. */

t.setTimeout(600_000)

const main = join(import.meta.dirname, '../main.js')

interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function doctor(...args: readonly string[]): Said {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, 'bench', 'doctor', '--quick', ...args],
    { encoding: 'utf8', timeout: 240_000 },
  )
  return { code: status, stdout, stderr }
}

function number({ numbers, id }: Check, name: string): number {
  const value = numbers[name]
  if (value === undefined) throw new Error(`${id} has no ${name}`)
  return value
}

t.test('known delays and stalls are seen, whoever disturbs', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-doctor-test-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const out = join(folder, 'report.json')
  const { code, stdout, stderr } = doctor('--json', '--only', 'known-delay,stall', '--out', out)
  const report = JSON.parse(stdout) as BenchDoctorReport
  t.same(JSON.parse(readFileSync(out, 'utf8')), report, '--out holds the same')
  const { checks } = report
  t.equal(checks.length, 3 * 5 + 3)
  t.equal(code, report.exitCode, stderr)
  for (const check of checks) {
    t.not(check.verdict, 'failed', `${check.id}: ${check.seen}`)
    t.match(stderr, check.title, 'told while it goes')
  }
  for (const check of checks.filter(({ section }) => section === 'known-delay'))
    t.ok(
      number(check, 'p50Us') > number(check, 'holdUs') * 0.99,
      `${check.id}: no answer is seen before it was sent: ${check.seen}`,
    )
  for (const check of checks.filter(({ section }) => section === 'stall'))
    t.ok(
      number(check, 'p99Us') > 0.6 * number(check, 'truthUs'),
      `${check.id}: the stall is in the p99: ${check.seen}`,
    )
  t.end()
})

t.test('a part that does not exist is refused with those that do', (t) => {
  const { code, stderr } = doctor('--only', 'stal')
  t.equal(code, 2)
  t.match(stderr, /got stal, want any of known-delay, stall, limits/)
  t.end()
})
