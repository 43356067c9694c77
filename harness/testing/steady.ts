import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { RunResult } from '../model/run-result.ts'
import { readResult } from '../results/read.ts'
import { root } from './sources.ts'
import { describeDifferences, differences, type Verdicts } from './steady/verdicts.ts'

/*
 * Runs the conformance suite again and again on a machine that is busy, and compares the verdicts (`npm run steady`):
 * `--runs N`, `--loops N` (programs that do nothing but take CPU), `--seed N`, `--only GLOBS` instead of the fast rows.
 * The results stay in meshmark-out/steady-*. Ends with 1 when a verdict differs, with 2 when a run gave none.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    loops: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})
const out = join(root, 'meshmark-out')
mkdirSync(out, { recursive: true })
const folder = mkdtempSync(join(out, 'steady-'))
const loops: ChildProcess[] = Array.from({ length: Number(values.loops) }, () =>
  spawn(process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore' }),
)
try {
  process.exitCode = await main()
} finally {
  for (const loop of loops) loop.kill('SIGKILL')
}

async function main(): Promise<number> {
  const seen: Verdicts[] = []
  for (let run = 1; run <= Number(values.runs); run += 1) {
    const startedAt = performance.now()
    const verdicts = await judged(join(folder, String(run)))
    const took = ((performance.now() - startedAt) / 1_000).toFixed(0)
    if (verdicts.size === 0) {
      console.error(`run ${run}: no verdicts; see ${folder}/${run}`)
      return 2
    }
    seen.push(verdicts)
    const differing = differences(seen)
    console.log(`run ${run}: ${verdicts.size} rows, ${took} s, ${differing.length} differ so far`)
  }
  const differing = differences(seen)
  console.log(describeDifferences(differing, seen.length))
  return differing.length > 0 ? 1 : 0
}

/** One run of the suite: its verdicts by row. */
async function judged(into: string): Promise<Verdicts> {
  const which = values.only === undefined ? ['--fast'] : ['--only', values.only]
  const main = join(root, 'dist', 'harness', 'cli', 'main.js')
  const flags = ['--provider', 'local', '--target', 'reference', '--seed', values.seed]
  const child = spawn(process.execPath, [main, 'conform', ...flags, ...which, '--out', into], {
    stdio: 'ignore',
  })
  await once(child, 'exit')
  const result = await readResult(join(into, 'result.json')).catch(
    (): RunResult | undefined => undefined,
  )
  return new Map((result?.conformance?.tests ?? []).map(({ id, status }) => [id, status]))
}
