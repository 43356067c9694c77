import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gatedMetrics } from '../../scenarios/bench/gated.ts'
import { prepareBench } from '../../scenarios/bench/prepare.ts'
import { questions } from '../../scenarios/index.ts'
import { local } from '../clusters/local/provider.ts'
import { corpusSummary, judgeCorpus } from '../cli/gate-corpus.ts'
import { suiteVersion } from '../cli/package.ts'
import { newRunId } from '../cli/run-id.ts'
import { runComponents, suiteInfo, topologyFor } from '../cli/session.ts'
import { versus } from '../engine/gate/versus.ts'
import { replay } from '../measure/gate/replay.ts'
import { gateRules, lookAt } from '../measure/gate/rule.ts'
import { randomStream } from '../measure/random.ts'
import type { ClusterProvider } from '../model/cluster.ts'
import type { CorpusSession } from '../model/gate-corpus.ts'
import type { RunResult } from '../model/run-result.ts'
import { corpusSession, corpusText } from '../results/gate-corpus.ts'
import { mutated } from '../targets/reference/mutate.ts'
import { reference } from '../targets/reference/target.ts'
import { injectedBy, slowed, type Slowness, slownessFor } from './corpus/slowed.ts'
import { root } from './sources.ts'

/*
 * Records real sessions of the gate (`npm run corpus`): the reference against itself, and against itself made slower
 * by a tenth at least, of what the session before needed. All arms run in all pairs up to the last look, so that
 * `meshmark bench replay` can judge the baseline against itself as well. `--out FILE` (written anew after each session),
 * `--sessions N`, `--minutes N` after which none begins, `--same K`: of every 3 sessions K compare a program with itself,
 * `--seed N`. Ends with 1 when the gate judged wrongly, or no session came about.
 */
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'meshmark-out', 'corpus.json') },
    sessions: { type: 'string', default: '21' },
    minutes: { type: 'string', default: '120' },
    same: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
  },
})
const tenth = 0.1
const localProvider = (): ClusterProvider =>
  local({ packageDirectory: root, controlPlane: 'embedded' })
const until = performance.now() + Number(values.minutes) * 60_000
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
const recorded: CorpusSession[] = []
let slowness: Slowness | undefined
for (let index = 0; index < Number(values.sessions) && performance.now() < until; index += 1) {
  if (stop.signal.aborted) break
  const slower = index % 3 < Number(values.same) ? undefined : slowness
  const isInjected = slower !== undefined
  const result = await record(Number(values.seed) + index, slower)
  if (result.partial || result.gate === undefined) {
    console.error(`session ${index + 1}: ${result.problems.join('; ')}`)
    continue
  }
  const session = corpusSession(result, isInjected ? injectedBy(tenth) : {})
  recorded.push(session)
  slowness = slownessFor(result.gate.metrics) ?? slowness
  writeFileSync(`${values.out}.tmp`, corpusText(recorded))
  renameSync(`${values.out}.tmp`, values.out)
  const said = result.gate.metrics.map(
    ({ id, verdict, ratio = NaN }) => `${id} ${verdict} ${((ratio - 1) * 100).toFixed(1)} %`,
  )
  console.log(
    `session ${index + 1}, ${slower === undefined ? 'the same' : slowed(slower).title}, ${(result.durationMs / 1000).toFixed(0)} s: ${result.gate.verdict}; ${said.join(', ')}`,
  )
}
const judged = judgeCorpus(recorded.flatMap(replay))
console.log(corpusSummary(recorded, judged))
process.exitCode = recorded.length === 0 || judged.faults.length > 0 ? 1 : 0

async function record(seed: number, slower: Slowness | undefined): Promise<RunResult> {
  const init = { packageDirectory: root, version: suiteVersion() }
  const copies = join(root, 'meshmark-out')
  mkdirSync(copies, { recursive: true })
  const copy = mkdtempSync(join(copies, 'slowed-'))
  try {
    const baseline = reference(init)
    const candidate = slower === undefined ? baseline : await mutated(init, slowed(slower), copy)
    const gated = gatedMetrics.pr
    const own = runComponents(localProvider(), candidate, 1)
    return await versus(
      {
        runId: newRunId(),
        topologyFor: (target) => topologyFor(target, {}),
        prepare: prepareBench,
        gate: {
          profile: 'pr',
          rule: gateRules.pr,
          questions: questions.filter(({ id }) => gated.some(({ question }) => question === id)),
          gated,
          seed,
          spec: 'target:reference',
          isSameProgram: slower === undefined,
          isRecording: true,
        },
        suite: suiteInfo(seed),
      },
      {
        ...own,
        baseline: { target: baseline, provider: localProvider() },
        candidate: { target: candidate, provider: localProvider() },
        statistics: { ...own.statistics, random: randomStream, lookAt },
      },
      { signal: stop.signal, tell: () => undefined },
    )
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
