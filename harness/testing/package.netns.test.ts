import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { cannotRunLocal } from './needs-local.ts'
import { cannotRunNginx } from './nginx.ts'
import { root } from './sources.ts'

const skip = (await cannotRunLocal()) || cannotRunNginx()

t.test('the packed package works after npm install -g', { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'package-test-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const run = (program: string, ...args: string[]): SpawnSyncReturns<string> =>
    // why: tap puts its own loaders into the NODE_OPTIONS of every process; a user's has none
    spawnSync('env', ['-u', 'NODE_OPTIONS', program, ...args], {
      encoding: 'utf8',
      cwd: folder,
      env: { ...process.env, CI: '' },
    })
  const packed = run('npm', 'pack', root, '--ignore-scripts', '--silent')
  t.equal(packed.status, 0, packed.stderr)
  const tarball = packed.stdout.trim().split('\n').at(-1) ?? ''
  const prefix = join(folder, 'prefix')
  const installed = run(
    'npm',
    'install',
    '-g',
    '--prefix',
    prefix,
    '--no-audit',
    '--no-fund',
    join(folder, tarball),
  )
  if (
    installed.status !== 0 &&
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(installed.stderr)
  ) {
    t.pass('installed', { skip: 'the npm registry cannot be reached' })
    t.end()
    return
  }
  t.equal(installed.status, 0, installed.stderr)
  const meshmark = join(prefix, 'bin', 'meshmark')
  t.match(run(meshmark, '--version').stdout, /^\d+\.\d+\.\d+$/m)
  const walked = run(meshmark, 'walkthrough', '--out', join(folder, 'out'))
  t.equal(walked.status, 0, walked.stderr)
  t.match(walked.stdout, / passed: .* steps? passed/)
  t.end()
})
