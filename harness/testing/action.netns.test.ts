import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { cannotRunLocal } from './needs-local.ts'
import { root } from './sources.ts'

t.setTimeout(300_000)

const folder = mkdtempSync(join(tmpdir(), 'meshmark-action-'))
t.teardown(() => {
  rmSync(folder, { recursive: true })
})

/** The action's own run step on a real cluster: what GitHub's runner would see of it. */
function run(target: string): {
  readonly stdout: string
  readonly outputs: Readonly<Record<string, string>>
  readonly summary: string
} {
  const [output = '', summary = ''] = ['output', 'summary'].map((name) => join(folder, name))
  for (const file of [output, summary]) writeFileSync(file, '')
  const { stdout } = spawnSync('bash', [join(root, '.github', 'actions', 'gate', 'run.sh')], {
    encoding: 'utf8',
    env: {
      ...process.env,
      RUNNER_TEMP: folder,
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: summary,
      MESHMARK: `node ${join(root, 'dist', 'harness', 'cli', 'main.js')}`,
      COMMAND: 'conform',
      TARGET: target,
      PROVIDER: 'local',
      ARGS: '--only DNS-A-001,L4-TCP-001 --seed 1',
    },
  })
  const lines = readFileSync(output, 'utf8').split('\n')
  return {
    stdout,
    outputs: Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
    summary: readFileSync(summary, 'utf8'),
  }
}

t.test(
  'the action judges a data plane: one that works, and none at all',
  { skip: await cannotRunLocal() },
  (t) => {
    const good = run('reference')
    t.match(good.outputs, { 'exit-code': '0', conclusion: 'passed', passed: '2', failed: '0' })
    t.notMatch(good.stdout, /^::(error|warning) /m)
    t.match(good.summary, /^## ✅ /)
    t.ok(existsSync(good.outputs['result-path'] ?? ''))
    const bad = run('direct')
    t.match(bad.outputs, { 'exit-code': '1', conclusion: 'failed', failed: '2' })
    t.match(bad.stdout, /^::error title=DNS-A-001%3A .*::failed MUST/m)
    t.match(bad.summary, /^## ❌ /)
    t.end()
  },
)
