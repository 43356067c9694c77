import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'

const main = join(import.meta.dirname, 'main.js')

// why: dozens of processes, and the machine may be busy
t.setTimeout(180_000)

interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function meshmark(args: readonly string[], env: NodeJS.ProcessEnv = {}): Said {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return { code: status, stdout, stderr }
}

t.test('--help names the commands that work and the exit codes', (t) => {
  const { code, stdout } = meshmark(['--help'])
  t.equal(code, 0)
  for (const command of ['doctor', 'up', 'walkthrough', 'bench', 'run', 'report'])
    t.match(stdout, new RegExp(`^  ${command}\\b`, 'm'))
  t.match(stdout, /130 interrupted/)
  t.end()
})

t.test('bench simulate: how often the gate errs, the same for the same seed', (t) => {
  const args = ['bench', 'simulate', '--sessions', '60', '--seed', '5']
  const { code, stdout } = meshmark(args)
  t.equal(code, 0)
  t.match(stdout, /^shared: /m)
  t.match(stdout, /^A\/A: +\d\.\d\d % of 60 sessions were called regressed in any metric\.$/m)
  t.match(stdout, /^\+10 %: found in +\d+\.\d\d %/m)
  t.equal(meshmark(args).stdout, stdout)
  const { found } = JSON.parse(meshmark([...args, '--json']).stdout) as {
    readonly found: readonly { readonly change: number; readonly ok: number }[]
  }
  t.equal(found.length, 24, 'six models, four changes')
  t.ok(
    found.filter(({ change }) => change >= 10).every(({ ok }) => ok === 0),
    'a change of twice the margin is never ok',
  )
  t.end()
})

t.test('bench --list: what is asked, what decides, what it needs, how long it takes', (t) => {
  const { code, stdout } = meshmark([
    'bench',
    '--list',
    '--only',
    'l4-latency',
    '--only',
    'conv*-l7',
  ])
  t.equal(code, 0)
  t.match(stdout, /^l4-latency +What does the L4 path add .*\(standard\)$/m)
  t.match(stdout, /^ +gated: median response time \[us\], lower is better, margin 5 %$/m)
  t.match(stdout, /^convergence-l7 /m)
  t.match(stdout, /^ +about \d+ s quick, \d+ s full; needs l7-proxy$/m)
  t.notMatch(stdout, 'dns-latency')
  const all = JSON.parse(meshmark(['bench', '--list', '--json']).stdout) as {
    readonly id: string
    readonly isStandard: boolean
    readonly aboutS: { readonly quick: number }
  }[]
  t.ok(
    all.some(({ id }) => id === 'convergence-l4'),
    'all of them, unless some are named',
  )
  const standardS = all
    .filter(({ isStandard }) => isStandard)
    .reduce((sum, { aboutS }) => sum + aboutS.quick, 0)
  t.ok(
    standardS < 100,
    `the standard questions take ${standardS} s of the two minutes that a run has`,
  )
  const wrong = meshmark(['bench', '--only', 'l4-latncy'])
  t.equal(wrong.code, 2)
  t.match(wrong.stderr, /"l4-latncy" is the name of no question/)
  t.match(wrong.stderr, /did you mean l4-latency\?/)
  t.end()
})

t.test('wrong words: what was given, what is allowed, the nearest match, exit 2', (t) => {
  const cases: readonly (readonly [readonly string[], readonly RegExp[]])[] = [
    [['benhc'], [/unknown command 'benhc'/, /commands: .*walkthrough/, /did you mean bench\?/]],
    [
      ['bench', '--quik'],
      [/unknown option '--quik'/, /flags: .*--seed/, /did you mean --quick\?/],
    ],
    [
      ['bench', '--seed', 'x'],
      [/'x'/, /whole number from 0 to 4294967295/],
    ],
    [
      ['bench', '--pairs', '0'],
      [/'0'/, /whole number from 1 to 100/],
    ],
    [
      ['walkthrough', '--provider', 'loacl'],
      [/--provider: got "loacl"/, /local/, /did you mean local\?/],
    ],
    [
      ['walkthrough', '--target', 'refrence'],
      [/got "refrence"/, /direct/, /did you mean reference\?/],
    ],
    [
      ['report', 'x', '--format', 'htm'],
      [/got "htm"/, /did you mean html\?/],
    ],
    [
      ['bench', '--vs', 'image:x'],
      [/target reference takes no image/, /want git:REF/],
    ],
    [
      ['bench', '--vs', 'dir:/nowhere'],
      [/has no dist.reference-impl.main.js/, /npm run build/],
    ],
    [['bench', '--vs', 'git:no-such'], [/no such commit/]],
    [['bench', '--vs', 'refernce'], [/did you mean reference\?/]],
    [['bench', '--vs', 'reference', '--keep', '--provider', 'kind'], [/a cluster of its own/]],
    [
      ['bench', 'simulate', '--sesions', '9'],
      [/did you mean --sessions/, /bench simulate --help/],
    ],
    [['report'], [/missing required argument 'run'/]],
    [['run', 'extra'], [/too many arguments/]],
  ]
  for (const [args, wanted] of cases) {
    const { code, stdout, stderr } = meshmark(args)
    t.equal(code, 2, `${args.join(' ')} exits 2`)
    t.equal(stdout, '', `${args.join(' ')} prints no result`)
    for (const pattern of wanted) t.match(stderr, pattern)
  }
  t.end()
})

t.test('a wrong settings file: every problem at once, with value and rule, exit 2', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'meshmark-test-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const file = join(folder, 'meshmark.yaml')
  writeFileSync(file, 'seed: -5\nprovidr: local\nbench:\n  pairs: many\n')
  const { code, stderr } = meshmark(['run', '--config', file])
  t.equal(code, 2)
  t.match(stderr, /seed: got -5/)
  t.match(stderr, /providr: unknown key; want one of provider, target/)
  t.match(stderr, /bench\.pairs: got "many"/)
  t.end()
})

t.test('doctor --json gives findings whose states are ok, missing or broken', (t) => {
  const { stdout } = meshmark(['doctor', '--json'])
  const { findings } = JSON.parse(stdout) as { findings: { id: string; state: string }[] }
  const ids = findings.map(({ id }) => id)
  for (const id of [
    ...['node', 'user-namespaces', 'nft', 'iptables', 'tc', 'nginx', 'curl', 'kubectl', 'docker'],
    ...['kind', 'k3d', 'k6', 'cpus', 'cpu-governor', 'memory', 'open-files', 'clock-source'],
  ])
    t.ok(ids.includes(id), `looks at ${id}`)
  for (const { state } of findings) t.match(state, /^(ok|missing|broken)$/)
  t.end()
})

t.test('without the tools it needs a run says one line each with the cure, exit 2', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'meshmark-test-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const { code, stderr } = meshmark(['walkthrough', '--out', folder], {
    PATH: folder,
    MESHMARK_BARE_PATH: '1',
    CI: '',
  })
  t.equal(code, 2)
  for (const tool of ['ip', 'nft', 'nginx', 'unshare'])
    t.match(stderr, new RegExp(`^  ${tool}: not on PATH; cure: \\S+`, 'm'))
  t.match(stderr, /add --yes/)
  t.end()
})
