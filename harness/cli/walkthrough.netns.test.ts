import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { RunResult } from '../model/run-result.ts'
import { eventually } from '../testing/cluster-contract.ts'
import { hostState, processesThatMention } from '../testing/host-state.ts'
import { cannotRunLocal } from '../testing/needs-local.ts'
import { cannotRunNginx } from '../testing/nginx.ts'
import { root } from '../testing/sources.ts'

const skip = (await cannotRunLocal()) || cannotRunNginx()
const slow =
  process.env['MESHMARK_SLOW'] === undefined && 'takes 90 s: set MESHMARK_SLOW=1 to run it'
const main = join(root, 'dist', 'harness', 'cli', 'main.js')

/** A folder of its own for results and run folders, so that what is left behind is ours. */
function workplace(): {
  readonly out: string
  readonly tmp: string
  readonly env: NodeJS.ProcessEnv
} {
  const folder = mkdtempSync(join(tmpdir(), 'cli-test-'))
  const tmp = join(folder, 'tmp')
  mkdirSync(tmp)
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  for (const path of [folder, tmp]) chmodSync(path, 0o777)
  return { out: join(folder, 'out'), tmp, env: { ...process.env, TMPDIR: tmp } }
}

function resultIn(out: string): RunResult {
  return JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as RunResult
}

t.test(
  'the walkthrough passes on provider local, step by step, and leaves nothing behind',
  { skip },
  (t) => {
    const { out, tmp, env } = workplace()
    const before = hostState()
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [main, 'walkthrough', '--out', out, '--json'],
      { encoding: 'utf8', env },
    )
    t.equal(status, 0, stderr)
    const result = JSON.parse(stdout) as RunResult
    t.equal(result.conclusion, 'passed')
    t.same(
      result.walkthrough?.steps.map(({ id, status: verdict }) => `${id} ${verdict}`),
      [
        ...['no-leftover-rules', 'nodes-ready', 'apply-deployment', 'pod-running', 'pod-answers'],
        ...['create-service', 'service-listed', 'endpoints-listed'],
        ...['name-a-host', 'name-a-pod', 'name-b-host', 'name-b-pod'],
        ...['second-http-port', 'http-port-is-l7', 'other-port-is-l4'],
      ].map((id) => `${id} passed`),
    )
    t.ok(existsSync(join(out, 'report.html')))
    t.same(readdirSync(tmp), [], 'no run folder is left')
    t.same(processesThatMention(tmp), [], 'no process is left')
    t.same(hostState(), before, 'the host is as it was')
    t.end()
  },
)

t.test(
  'without a data plane the names fail, and the exit code says so',
  { skip: skip || slow },
  (t) => {
    const { out, env } = workplace()
    const { status } = spawnSync(
      process.execPath,
      [main, 'walkthrough', '--target', 'direct', '--out', out],
      { env },
    )
    t.equal(status, 1)
    const failed = resultIn(out).walkthrough?.steps.filter((step) => step.status === 'failed')
    t.same(
      failed?.map(({ id }) => id),
      ['name-a-pod', 'name-b-pod', 'second-http-port'],
    )
    t.ok(readdirSync(join(out, 'evidence')).includes('pods.json'))
    t.end()
  },
)

t.test('an ordinary user can walk the tutorial, too', { skip: skip || notRoot() }, (t) => {
  const { out, env } = workplace()
  // why: tap's loaders in NODE_OPTIONS write where this user may not
  const as = ['-u', 'NODE_OPTIONS', 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  const { status, stderr } = spawnSync(
    'env',
    [...as, process.execPath, main, 'walkthrough', '--out', out],
    {
      encoding: 'utf8',
      env: { ...env, HOME: '/nonexistent' },
      cwd: '/',
    },
  )
  t.equal(status, 0, stderr)
  t.match(resultIn(out), {
    conclusion: 'passed',
    cluster: { description: { namespaces: 'user-namespace' } },
  })
  t.end()
})

t.test('Ctrl-C once: cleans up, writes a partial report, exit 130', { skip }, async (t) => {
  const { out, tmp, env } = workplace()
  const child = spawn(process.execPath, [main, 'run', '--out', out], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await said(child, /Walk the tutorial/)
  child.kill('SIGINT')
  t.equal(await exitOf(child), 130)
  t.match(resultIn(out), { partial: true, conclusion: 'inconclusive' })
  t.match(readFileSync(join(out, 'report.html'), 'utf8'), /partial|interrupted/i)
  t.same(readdirSync(tmp), [], 'no run folder is left')
  t.same(processesThatMention(tmp), [], 'no process is left')
})

t.test('Ctrl-C twice: leaves at once, and still nothing is left behind', { skip }, async (t) => {
  for (const moment of [/Boot a cluster/, /Deploy the target/, /Walk the tutorial/]) {
    const { out, tmp, env } = workplace()
    const child = spawn(process.execPath, [main, 'run', '--out', out], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await said(child, moment)
    child.kill('SIGINT')
    child.kill('SIGTERM')
    t.equal(await exitOf(child), 130, String(moment))
    t.ok(
      await eventually(() => Promise.resolve(processesThatMention(tmp).length === 0)),
      'no process is left',
    )
    t.same(readdirSync(tmp), [], 'no run folder is left')
  }
})

t.test(
  'a place for results that cannot be written is told before anything is booted',
  { skip },
  (t) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [main, 'walkthrough', '--out', '/etc/passwd/x'],
      { encoding: 'utf8' },
    )
    t.equal(status, 2)
    t.match(
      stderr,
      /--out \/etc\/passwd\/x cannot be made: .*\n.*name a folder that can be written/,
    )
    t.end()
  },
)

function notRoot(): string | false {
  return process.getuid?.() === 0 ? false : 'needs root to become another user'
}

/** Resolves when a process has written what matches to its stderr. */
function said(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (pattern.test(text)) resolve()
    })
    child.once('exit', () => {
      reject(new Error(`it ended before it said ${String(pattern)}:\n${text}`))
    })
  })
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode)
    else child.once('exit', resolve)
  })
}
