import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import type { RunResult } from '../model/run-result.ts'
import { comparedRun, conformantRun, nonConformantRun } from '../reporters/fixtures.ts'
import { loadTarget } from '../targets/own/load.ts'
import { root } from './sources.ts'

// why: many processes, and the machine may be busy
t.setTimeout(180_000)

const action = join(root, '.github', 'actions', 'gate')
const example = join(root, 'docs', 'example-repository')
const main = join(root, 'dist', 'harness', 'cli', 'main.js')

interface Step {
  readonly id?: string
  readonly run?: string
  readonly uses?: string
  readonly env?: Readonly<Record<string, string>>
  readonly with?: Readonly<Record<string, unknown>>
}

const { inputs, outputs, runs } = parse(readFileSync(join(action, 'action.yml'), 'utf8')) as {
  readonly inputs: Readonly<Record<string, { readonly default: string }>>
  readonly outputs: Readonly<Record<string, { readonly value: string }>>
  readonly runs: { readonly steps: readonly Step[] }
}

/** What a step of the action left, run here the way GitHub's runner does. */
interface Left {
  readonly code: number | null
  readonly stdout: string
  readonly summary: string
  readonly outputs: Readonly<Record<string, string>>
}

const folder = mkdtempSync(join(tmpdir(), 'meshmark-action-'))
t.teardown(() => {
  rmSync(folder, { recursive: true })
})
let steps = 0

function script(name: string, env: NodeJS.ProcessEnv): Left {
  steps += 1
  const temp = join(folder, String(steps))
  mkdirSync(temp)
  const [output, summary] = ['output', 'summary'].map((file) => join(temp, file))
  for (const file of [output, summary]) writeFileSync(file ?? '', '')
  const { status, stdout, stderr } = spawnSync('bash', [join(action, name)], {
    encoding: 'utf8',
    env: {
      ...process.env,
      RUNNER_TEMP: temp,
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: summary,
      COMMAND: 'conform',
      TARGET: './meshmark/target.ts',
      PROVIDER: 'kind',
      PROFILE: 'pr',
      ...env,
    },
  })
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`)
  const read = (file: string = ''): string => readFileSync(file, 'utf8')
  return {
    code: status,
    stdout,
    summary: read(summary),
    outputs: Object.fromEntries(
      read(output)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
  }
}

/** A stand-in for meshmark: it "runs" by laying down this result, and leaves every other command to the real one. */
function standIn(result: RunResult | undefined, code: number): string {
  const path = join(folder, `meshmark-${steps}-${code}`)
  writeFileSync(`${path}.json`, JSON.stringify(result ?? null))
  writeFileSync(
    path,
    `#!/usr/bin/env bash
case "$1" in report|comment) exec node ${main} "$@" ;; esac
echo "called with: $*"
echo '::error title=forged::a target answered this'
while [ $# -gt 0 ]; do [ "$1" = --out ] && out=$2; shift; done
${result === undefined ? '' : `cp ${path}.json "$out/result.json"`}
exit ${code}
`,
  )
  chmodSync(path, 0o755)
  return path
}

/** Lines that GitHub's runner would take for commands: what stands between the two stop-commands is text. */
function commandsIn(stdout: string): readonly string[] {
  let stopped: string | undefined
  return stdout.split('\n').filter((line) => {
    if (stopped !== undefined) {
      if (line === `::${stopped}::`) stopped = undefined
      return false
    }
    stopped = /^::stop-commands::(.+)$/.exec(line)?.[1]
    return stopped === undefined && line.startsWith('::')
  })
}

t.test('a run that fails: annotations, summary and outputs, and the step itself ends well', (t) => {
  const left = script('run.sh', {
    MESHMARK: standIn(nonConformantRun(), 1),
    ARGS: '--fast  --seed 3',
  })
  t.match(
    left.stdout,
    /called with: conform --provider kind --target \.\/meshmark\/target\.ts --out \S+ --yes --fast --seed 3\n/,
  )
  const commands = commandsIn(left.stdout)
  t.ok(commands.some((line) => line.startsWith('::error title=DNS-A-003%3A ')))
  t.notOk(
    commands.some((line) => line.includes('forged')),
    'what a target answers is no command',
  )
  t.match(left.summary, /^## ❌ EdgeMesh v1\.17\.0 failed/)
  t.match(left.outputs, {
    'exit-code': '1',
    conclusion: 'failed',
    verdict: '',
    passed: /^\d+$/,
    failed: /^[1-9]\d*$/,
    name: 'meshmark-conform-.-meshmark-target.ts-kind',
  })
  t.match(readFileSync(left.outputs['result-path'] ?? '', 'utf8'), /"nonConformant"/)
  t.end()
})

t.test('a run that passes has no annotation', (t) => {
  const left = script('run.sh', { MESHMARK: standIn(conformantRun(), 0) })
  t.same(commandsIn(left.stdout), [])
  t.match(left.outputs, { 'exit-code': '0', conclusion: 'passed', failed: '0' })
  t.end()
})

t.test('a baseline makes a gate, and its verdict is an output', (t) => {
  const left = script('run.sh', {
    MESHMARK: standIn(comparedRun(), 1),
    COMMAND: 'bench',
    BASELINE: 'git:v0.1.0',
    PROFILE: 'release',
    STRICT: 'true',
    ARTIFACT: 'mine',
  })
  t.match(left.stdout, /--vs git:v0\.1\.0 --gate --profile release --strict\n/)
  t.match(left.outputs, { verdict: 'regressed', name: 'mine', 'exit-code': '1' })
  t.ok(
    commandsIn(left.stdout).some((line) =>
      line.startsWith('::error title=l7-latency/value%3A worse'),
    ),
  )
  t.end()
})

t.test('without a result there is an error that says so, and nothing to comment', (t) => {
  const left = script('run.sh', { MESHMARK: standIn(undefined, 2) })
  t.match(commandsIn(left.stdout), [/^::error title=meshmark wrote no result::.*exit code 2/])
  t.match(left.outputs, { 'exit-code': '2', 'result-path': undefined })
  t.match(left.summary, /wrote no result \(exit code 2\)/)
  t.end()
})

t.test('a comment that cannot be written is a warning, not a failure', (t) => {
  const { stdout } = script('comment.sh', {
    MESHMARK: standIn(undefined, 0),
    RESULT: join(root, 'package.json'),
    NUMBER: '7',
    KEY: 'x',
    AUTHOR: 'y',
    GITHUB_TOKEN: '',
  })
  t.match(commandsIn(stdout), [
    /^::warning title=meshmark could not comment::.*GITHUB_TOKEN: got nothing/,
  ])
  t.end()
})

t.test('the source beside the action is what runs, unless a version is asked for', (t) => {
  t.same(script('install.sh', {}).outputs, { meshmark: `node ${main}` })
  t.end()
})

t.test('what action.yml hands to scripts and gives as outputs exists', (t) => {
  const written = new Set(
    [script('install.sh', {}), script('run.sh', { MESHMARK: standIn(comparedRun(), 1) })].flatMap(
      (left) => Object.keys(left.outputs),
    ),
  )
  const text = readFileSync(join(action, 'action.yml'), 'utf8')
  for (const [, name = ''] of text.matchAll(/steps\.\w+\.outputs\.([\w-]+)/g))
    t.ok(written.has(name), `output ${name}`)
  for (const [, name = ''] of text.matchAll(/inputs\.([\w-]+)/g))
    t.ok(name in inputs, `input ${name}`)
  t.ok(Object.keys(outputs).length > 5)
  for (const { run, env = {} } of runs.steps) {
    const file = /\$GITHUB_ACTION_PATH\/([\w.]+)/.exec(run ?? '')?.[1]
    if (file === undefined) continue
    const source = readFileSync(join(action, file), 'utf8')
    for (const name of Object.keys(env))
      t.ok(
        ['CI', 'GITHUB_TOKEN'].includes(name) ||
          source.includes(`$${name}`) ||
          source.includes(`\${${name}`),
        `${file} reads ${name}`,
      )
  }
  t.end()
})

t.test('our workflows and the example use only inputs that there are', (t) => {
  const workflows = [join(root, '.github', 'workflows'), join(example, '.github', 'workflows')]
  const used = workflows
    .flatMap((place) => readdirSync(place).map((name) => join(place, name)))
    .flatMap((path) => {
      const { jobs } = parse(readFileSync(path, 'utf8')) as {
        readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>
      }
      return Object.values(jobs).flatMap((job) => job.steps)
    })
    .filter(({ uses = '' }) => uses.includes('actions/gate'))
  t.ok(used.length >= 5, `${used.length} uses`)
  for (const { with: given = {} } of used)
    for (const name of Object.keys(given)) t.ok(name in inputs, name)
  t.end()
})

t.test(
  'the targets of the example are targets, with the image of the environment, and their types are right',
  async (t) => {
    process.env['AGENT_IMAGE'] = 'agent:7'
    t.teardown(() => {
      delete process.env['AGENT_IMAGE']
    })
    t.match(await loadTarget(join(example, 'meshmark', 'target.ts'), root), {
      imageNames: ['agent:7'],
    })
    t.match(await loadTarget(join(example, 'meshmark', 'baseline.ts'), root), {
      imageNames: ['agent:baseline'],
    })
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    t.doesNotThrow(() =>
      execFileSync(process.execPath, [tsc, '-p', join(example, 'meshmark')], { stdio: 'pipe' }),
    )
  },
)
