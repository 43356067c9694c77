import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { randomStream } from '../../measure/random.ts'
import { eventually } from '../../testing/cluster-contract.ts'
import { hostState, processesThatMention } from '../../testing/host-state.ts'
import { cannotRunLocal } from '../../testing/needs-local.ts'
import { root } from '../../testing/sources.ts'
import { local } from './provider.ts'
import { defaultTopology } from './topology.ts'

const skip = await cannotRunLocal()

/** Moments at which the harness is killed, spread over its boot and the time after it. */
const moments = 30
const longestMs = 1_800

t.test(
  `SIGKILL of the harness at ${moments} random moments leaves nothing`,
  { skip },
  async (t) => {
    const before = hostState()
    const seed = Number(process.env['MESHMARK_TEST_SEED'] ?? Math.trunc(Math.random() * 1e6))
    t.comment(`seed ${seed}`)
    const random = randomStream(seed)
    const program = join(root, 'dist', 'harness', 'testing', 'boot-and-hold.js')
    for (let moment = 0; moment < moments; moment += 1) {
      const runId = `killed-${process.pid}-${moment}`
      const afterMs = Math.round(random() * longestMs)
      const child = spawn(process.execPath, [program, runId], {
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      const gone = new Promise((resolve) => child.once('exit', resolve))
      await delay(afterMs)
      child.kill('SIGKILL')
      await gone
      const isQuiet = await eventually(() =>
        Promise.resolve(processesThatMention(runId).length === 0),
      )
      if (!isQuiet) t.same(processesThatMention(runId), [], `killed after ${afterMs} ms`)
    }
    t.same(processesThatMention(`killed-${process.pid}-`), [], 'no process is left')
    t.same(hostState(), before, 'the host is as it was')
  },
)

t.test(
  'doctor --heal removes the folder that a killed run left, without Docker too',
  { skip },
  (t) => {
    const temporary = mkdtempSync(join(tmpdir(), 'heal-'))
    t.teardown(() => {
      rmSync(temporary, { recursive: true })
    })
    const folder = mkdtempSync(join(temporary, 'meshmark-killed-'))
    const owner = { pid: 1, startTicks: '-1', bootId: 'another', pidNamespace: 'another' }
    writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner))
    const heal = (): string =>
      spawnSync(
        process.execPath,
        [join(root, 'dist', 'harness', 'cli', 'main.js'), 'doctor', '--heal'],
        { encoding: 'utf8', env: { ...process.env, PATH: '/nowhere', TMPDIR: temporary } },
      ).stderr
    t.match(heal(), `removed the folder ${folder}`)
    t.same(readdirSync(temporary), [])
    t.match(heal(), 'no dead run left anything')
    t.end()
  },
)

t.test('the next run removes what a killed one left of its own folder', { skip }, async (t) => {
  const { signal } = new AbortController()
  const left = (): readonly string[] =>
    readdirSync(tmpdir()).filter((name) => name.includes(`killed-${process.pid}-`))
  const owner = { pid: 1, startTicks: '-1', bootId: 'another', pidNamespace: 'another' }
  const signatures = {
    signed: JSON.stringify(owner),
    'half-signed': '{"pid"',
    'made while dying': undefined,
  }
  for (const [kind, signature] of Object.entries(signatures)) {
    const folder = mkdtempSync(
      join(tmpdir(), `meshmark-killed-${process.pid}-${kind.replaceAll(' ', '-')}-`),
    )
    if (signature === undefined)
      mkdirSync(join(folder, 'nodes', 'master', 'run'), { recursive: true })
    else writeFileSync(join(folder, 'owner.json'), signature)
  }
  // why: a folder that nobody signed may be a run's that is just starting; after a minute it is nobody's
  const aged = Date.now() / 1_000 - 120
  for (const name of left()) utimesSync(join(tmpdir(), name), aged, aged)
  const cluster = await local({ packageDirectory: root }).create(defaultTopology(), {
    runId: 'next',
    signal,
  })
  await cluster[Symbol.asyncDispose]()
  t.same(left(), [])
})
