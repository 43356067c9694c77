import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { type Problem, UsageError } from '../../model/errors.ts'
import type { RunResult } from '../../model/run-result.ts'
import { histograms, taggedTrials } from '../../reporters/histograms.ts'
import { html } from '../../reporters/html/report.ts'
import { environmentFile, environmentText } from '../../results/published.ts'
import { readmeText } from '../../reporters/published-readme.ts'
import { stdout } from '../output.ts'
import type { Conclude } from '../program.ts'
import { releasesFolder, resultsNamed } from '../results-named.ts'

interface PublishFlags {
  readonly releases: string
}

/** `meshmark publish`: a result becomes part of a release, by the rules of reports/README.md. */
export function publishCommand(conclude: Conclude): Command {
  return new Command('publish')
    .description(
      'adds a whole result to reports/releases: result, report, histograms, environment with fingerprint and checksums',
    )
    .argument('<run>', 'a result.json, or the folder that holds it')
    .option('--releases <dir>', 'where releases lie', releasesFolder)
    .action(async (run: string, { releases }: PublishFlags) => {
      const [one, ...more] = await resultsNamed(run, releases)
      if (one === undefined || more.length > 0)
        throw new UsageError(`${run} holds ${more.length + 1} results`, [], {
          hint: 'publish them one by one: name a result.json',
        })
      const problems = breaches(one.result)
      if (problems.length > 0)
        throw new UsageError(`${one.name} breaks the rules for published reports`, problems, {
          hint: 'the rules: reports/README.md',
        })
      const folder = await placeFor(one.result, releases)
      await writeFolder(folder, await filesOf(one.name, one.result))
      stdout(
        `wrote ${folder}\nits README.md lacks what only you know: what else ran on the machine`,
      )
      conclude(0)
    })
}

function breaches({ conclusion, suite }: RunResult): readonly Problem[] {
  return [
    ...(conclusion === 'invalid'
      ? [
          {
            subject: 'conclusion',
            message: 'got invalid, want a result that can be believed',
            cure: 'run it again on a quieter machine',
          },
        ]
      : []),
    ...(suite.dirty === true
      ? [
          {
            subject: 'suite.dirty',
            message: 'got true, want a released suite or a commit without local changes',
            cure: 'commit, then run it again',
          },
        ]
      : []),
  ]
}

/**
 * `0.1.0/meshmark-reference/0.1.0-local`; a second run of the same has its id behind.
 * @throws UsageError when this very run is there already
 */
async function placeFor(result: RunResult, releases: string): Promise<string> {
  const { suite, implementation, cluster, runId } = result
  const { organization, target, version } = implementation
  const word = (text: string): string => text.replaceAll(/[^\w.]+/g, '-').replaceAll(/^-|-$/g, '')
  const name = target.replace(/^.*\//, '').replace(/\.[cm]?[jt]s$/, '')
  const project = join(releases, word(suite.version), word(`${organization}-${name}`))
  const known = existsSync(project) ? await resultsNamed(project, releases) : []
  const same = known.find((one) => one.result.runId === runId)
  if (same !== undefined)
    throw new UsageError(`run ${runId} is published already: ${same.name}`, [], {
      hint: 'published results are never written over; git removes one',
    })
  const folder = join(project, `${word(version)}-${cluster.provider}`)
  return existsSync(folder) ? `${folder}-${word(runId)}` : folder
}

/** By their names; `result.json` byte for byte as the run wrote it. */
async function filesOf(path: string, result: RunResult): Promise<ReadonlyMap<string, string>> {
  const has = taggedTrials(result).some(({ trial }) => (trial.histogram ?? '') !== '')
  const files = new Map([
    ['result.json', await readFile(path, 'utf8')],
    ['report.html', html.render([result])],
    ...(has ? [['histograms.hlog', histograms.render([result])] as const] : []),
  ])
  return new Map([
    ...files,
    [environmentFile, environmentText(result, files)],
    ['README.md', readmeText(result)],
  ])
}

/** Whole or not at all: beside its place first, then renamed into it. */
async function writeFolder(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  const temporary = await mkdtemp(`${folder}.`)
  try {
    for (const [name, text] of files) await writeFile(join(temporary, name), text)
    await rename(temporary, folder)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}
