import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { readCatalogue } from '../../scenarios/catalogue.ts'
import { checks } from '../../scenarios/conformance/index.ts'
import type { ConformPlan } from '../engine/conform/conform.ts'
import { readSettings } from '../config/settings.ts'
import { select, type Selection, shuffle } from '../engine/select.ts'
import { exitCode } from '../engine/judge.ts'
import { UsageError } from '../model/errors.ts'
import type { Requirement } from '../model/requirement.ts'
import type { RunResult } from '../model/run-result.ts'
import { explain, listJson, listTable } from '../reporters/catalogue.ts'
import { reporters } from '../reporters/index.ts'
import { shellLine } from '../reporters/text.ts'
import { readExpectations } from '../results/expectations.ts'
import type { ConformFlags } from './commands/conform.ts'
import { wrongWord } from './nearest.ts'
import { stdout } from './output.ts'
import { packageDirectory } from './package.ts'
import { session } from './session.ts'
import { writeText } from './write-text.ts'

/** Checks at the same time per CPU: most of them wait. */
const workersPerCpu = 4

/** Exit code of `--strict` when only a SHOULD failed. */
const onlyShouldFailed = 4

/** `meshmark conform` from flags to exit code. */
export async function conformance(flags: ConformFlags): Promise<number> {
  const { requirements, version, sha256 } = await readCatalogue()
  if (flags.explain !== undefined) {
    const [requirement] = select(requirements, { only: flags.explain })
    if (requirement === undefined) return 2
    stdout(explain(requirement, checkOf(requirement)))
    return 0
  }
  const selected = select(requirements, selectionOf(flags)).filter(
    ({ slow, disruptive }) => !flags.fast || !(slow || disruptive),
  )
  if (flags.list) {
    stdout(flags.json ? listJson(selected, checks) : listTable(selected, checks))
    return 0
  }
  const formats = formatsOf(flags)
  const settings = await readSettings(flags.config)
  const expectations = await readExpectations(
    { file: flags.expectations, folder: join(packageDirectory, 'reports', 'expectations') },
    flags.target ?? settings.target ?? 'reference',
    requirements,
  )
  return session(flags, {
    walkthrough: false,
    bench: 'none',
    secondOpinion: false,
    report: true,
    conform: (seed): ConformPlan => ({
      requirements: flags.shuffle ? shuffle(selected, seed) : selected,
      checks,
      catalogue: { version, sha256, rows: requirements.length },
      selection: selectionText(flags),
      seed,
      workers: flags.workers ?? workersPerCpu * availableParallelism(),
      repeat: flags.repeat,
      failFast: flags.failFast,
      expectations,
      reproduce: (id) => reproduceLine(flags, id, seed),
    }),
    moreFiles: (directory, result) => writeFormats(formats, flags.output, directory, result),
    exitCode: (result) => {
      const code = exitCode(result.conclusion)
      return code === 0 && flags.strict && shouldFailed(result) ? onlyShouldFailed : code
    },
  })
}

function checkOf({ id }: Requirement): (typeof checks)[number] | undefined {
  return checks.find(({ requirement }) => requirement === id)
}

function selectionOf({ profile, only, level, feature, shard }: ConformFlags): Selection {
  return { profile, only, level, feature, shard }
}

function selectionText(flags: ConformFlags): Readonly<Record<string, string>> {
  const given = Object.entries({ ...selectionOf(flags), ...(flags.fast && { fast: 'true' }) })
  return Object.fromEntries(
    given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** Flags that say where a row is judged; the row and the seed are put behind them. */
function reproduceLine(flags: ConformFlags, id: string, seed: number): string {
  const where = [
    ['--provider', flags.provider],
    ['--target', flags.target],
    ['--target-image', flags.targetImage],
    ['--target-binary', flags.targetBinary],
    ['--target-proxy-mode', flags.targetProxyMode],
    ['--kube-proxy-mode', flags.kubeProxyMode],
    ['--cluster', flags.cluster],
    ['--kubeconfig', flags.kubeconfig],
    ['--context', flags.context],
    ['--ip-family', flags.ipFamily],
    ['--config', flags.config],
    ['--expectations', flags.expectations],
  ].flatMap(([flag, value]) => (value === undefined ? [] : [flag ?? '', value]))
  return `npx meshmark ${shellLine(['conform', ...where, '--only', id, '--seed', String(seed)])}`
}

function formatsOf({ format = [], output }: ConformFlags): readonly string[] {
  const known = reporters.map(({ id }) => id)
  for (const name of format)
    if (!known.includes(name)) throw new UsageError(`--format: ${wrongWord(name, known)}`)
  if (output !== undefined && format.length !== 1)
    throw new UsageError(`--output ${output}: wants exactly one --format, got ${format.length}`)
  return format
}

async function writeFormats(
  formats: readonly string[],
  output: string | undefined,
  directory: string,
  result: RunResult,
): Promise<readonly string[]> {
  const files: string[] = []
  for (const reporter of reporters) {
    const { id, extension } = reporter
    if (!formats.includes(id)) continue
    const path = output ?? join(directory, `${id}${extension}`)
    await writeText(path, reporter.render([result]))
    files.push(path)
  }
  return files
}

function shouldFailed({ conformance: found }: RunResult): boolean {
  return (found?.tests ?? []).some(({ level, status }) => level === 'SHOULD' && status === 'failed')
}
