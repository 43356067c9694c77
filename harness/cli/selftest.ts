import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readCatalogue } from '../../scenarios/catalogue.ts'
import { checks } from '../../scenarios/conformance/index.ts'
import { local } from '../clusters/local/provider.ts'
import type { ConformPlan } from '../engine/conform/conform.ts'
import { run } from '../engine/run.ts'
import {
  judgeMutants,
  type MutantVerdict,
  selfTestResult,
  unnamedRows,
} from '../engine/selftest.ts'
import { UsageError } from '../model/errors.ts'
import type { Mutant } from '../model/mutant.ts'
import type { RunResult } from '../model/run-result.ts'
import { mutants } from '../targets/reference/mutants/index.ts'
import { unproven } from '../targets/reference/mutants/unproven.ts'
import { mutated } from '../targets/reference/mutate.ts'
import { reference } from '../targets/reference/target.ts'
import type { SelfTestFlags } from './commands/selftest.ts'
import { gitState } from './git-state.ts'
import { interruptedExitCode, interruption } from './interrupt.ts'
import { stderr, stdout } from './output.ts'
import { packageDirectory, suiteVersion } from './package.ts'
import { newRunId } from './run-id.ts'
import { conformanceComponents, conformanceTopology, readyFor, topologyFor } from './session.ts'

/** Seed of every self-test: the same checks against the same faults. */
const seed = 1

/** Checks at the same time in the cluster of one mutant. */
const workersPerMutant = 4

/** `meshmark selftest` from flags to exit code: 0 when every mutant dies by every row that is to kill it. */
export async function selfTest(flags: SelfTestFlags): Promise<number> {
  const { requirements, version, sha256 } = await readCatalogue()
  const automated = requirements.filter(({ id }) =>
    checks.some(({ requirement }) => requirement === id),
  )
  const chosen = chosenMutants(flags)
  if (flags.list) {
    const rows = unnamedRows(mutants, automated).filter((id) => fits(id, flags.rows))
    stdout([...chosen.map(listed), ...rows.map(unnamed)].join('\n'))
    return 0
  }
  if (flags.provider !== undefined && flags.provider !== 'local')
    throw new UsageError(`--provider ${flags.provider}: mutants run on provider local alone`)
  const provider = local({ packageDirectory, controlPlane: 'embedded' })
  await readyFor(provider, flags)
  const runId = newRunId()
  // why: groups that ran apart are put together later, and each has to say of which program it speaks
  const made = { version: suiteVersion(), ...gitState(), startedAt: new Date().toISOString(), seed }
  const directory = resolve(flags.out ?? join('meshmark-out', runId))
  if (['/tmp', '/run', tmpdir()].some((hidden) => directory.startsWith(`${hidden}/`)))
    throw new UsageError(
      `--out ${directory}: nodes have a /tmp and /run of their own, so no mutant could start`,
      [],
      { hint: 'name a folder elsewhere (default: meshmark-out/<run id>)' },
    )
  await mkdir(directory, { recursive: true })
  using stop = interruption()
  const judge = async (
    target: ReturnType<typeof reference>,
    ids: readonly string[],
    name: string,
  ): Promise<RunResult> => {
    const rows = requirements.filter(({ id }) => ids.includes(id))
    const conform: ConformPlan = {
      requirements: rows,
      checks,
      catalogue: { version, sha256, rows: requirements.length },
      selection: { only: ids.join(',') },
      seed,
      workers: workersPerMutant,
      repeat: 1,
      failFast: false,
      expectations: [],
      reproduce: (id) => `npx meshmark selftest --only ${name} # ${id}`,
    }
    const evidenceDirectory = join(directory, name)
    return run(
      {
        runId: `${runId}-${name}`.slice(0, 60),
        topology: conformanceTopology(topologyFor(target), flags),
        conform,
        suite: { name: 'meshmark', version: suiteVersion(), seed, argv: process.argv.slice(2) },
        evidenceDirectory,
      },
      conformanceComponents(provider, target, evidenceDirectory, flags),
      { signal: stop.signal, lastResort: stop.lastResort, tell: () => undefined },
    )
  }
  const init = { packageDirectory, version: suiteVersion() }
  const wanted = [...new Set(chosen.flatMap(({ kills }) => kills))]
  stderr(`The reference without a fault: ${wanted.length} rows ...`)
  const control = await judge(reference(init), wanted, 'no-fault')
  const broken = (control.conformance?.tests ?? []).filter(({ status }) => status !== 'passed')
  for (const { id, status, reason } of broken)
    stderr(`  ${id} is ${status} without a fault: ${reason ?? ''}`)
  const passing = new Set(wanted.filter((id) => !broken.some((test) => test.id === id)))
  const verdicts = await judgeMutants({
    mutants: chosen,
    workers: flags.workers,
    signal: stop.signal,
    judge: async (mutant) => {
      const copy = join(directory, 'mutants', mutant.id)
      try {
        return await judge(await mutated(init, mutant, copy), mutant.kills, mutant.id)
      } finally {
        await rm(copy, { recursive: true, force: true })
      }
    },
    finished: (verdict) => {
      stderr(lineOf(verdict))
    },
  })
  if (stop.signal.aborted) return interruptedExitCode
  // why: a row that fails without a fault proves nothing by failing with one
  const proven = verdicts.map((verdict) => {
    const nothing = verdict.killedBy.filter((id) => !passing.has(id))
    return {
      ...verdict,
      killedBy: verdict.killedBy.filter((id) => passing.has(id)),
      survived: [...verdict.survived, ...nothing],
      notes: [...verdict.notes, ...nothing.map((id) => `${id}: it does not pass without a fault`)],
    }
  })
  const result = selfTestResult(proven, automated)
  const path = join(directory, 'selftest.json')
  await writeFile(path, `${JSON.stringify({ ...result, ...made }, null, 2)}\n`)
  const dead = proven.filter(({ survived }) => survived.length === 0).length
  stdout(
    flags.json
      ? JSON.stringify(result, null, 2)
      : [
          `${dead} of ${proven.length} mutants killed by every row that is to kill them`,
          ...proven.filter(({ survived }) => survived.length > 0).map((one) => `  ${lineOf(one)}`),
          // why: of some mutants it would say nothing of the rows
          ...(flags.only === undefined && flags.rows === undefined
            ? [
                `${result.withoutMutant.length} automated MUST rows kill no mutant${result.withoutMutant.length > 0 ? `: ${result.withoutMutant.join(' ')}` : ''}`,
              ]
            : []),
          `wrote ${path}`,
        ].join('\n'),
  )
  return dead === proven.length ? 0 : 1
}

/** @throws UsageError when no mutant fits */
function chosenMutants({ only, rows }: Pick<SelfTestFlags, 'only' | 'rows'>): readonly Mutant[] {
  const named = mutants.filter(({ id }) => fits(id, only))
  if (named.length === 0)
    throw new UsageError(`--only ${only}: there is no such mutant`, [], {
      hint: 'meshmark selftest --list',
    })
  const chosen = named
    .map((mutant) => ({ ...mutant, kills: mutant.kills.filter((id) => fits(id, rows)) }))
    .filter(({ kills }) => kills.length > 0)
  if (chosen.length === 0)
    throw new UsageError(`--rows ${rows}: no chosen mutant is to be killed by such a row`, [], {
      hint: 'meshmark selftest --list',
    })
  return chosen
}

/** @param globs - with commas between them; everything fits when there are none */
function fits(id: string, globs: string | undefined): boolean {
  if (globs === undefined) return true
  return globs.split(',').some((glob) => new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(id))
}

function listed({ id, title, kills }: Mutant): string {
  return `${id}  ${title}  [${kills.join(' ')}]`
}

function unnamed(id: string): string {
  return `no mutant  [${id}]  ${unproven[id] ?? 'nothing has shown that its check can fail'}`
}

function lineOf({ id, title, killedBy, survived, notes }: MutantVerdict): string {
  const fate = survived.length === 0 ? 'killed  ' : 'SURVIVED'
  const why = survived.length === 0 ? '' : `; not by ${notes.join('; ')}`
  return `${fate} ${id}: ${title} (by ${killedBy.join(' ') || 'nothing'}${why})`
}
