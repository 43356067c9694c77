import { Command } from 'commander'
import { changePoints } from '../../measure/change-points.ts'
import { medianInterval } from '../../measure/median-interval.ts'
import { median } from '../../measure/quantile.ts'
import { UsageError } from '../../model/errors.ts'
import { globPattern } from '../../model/glob.ts'
import type { History } from '../../model/history.ts'
import { historyMarkdown, historyText } from '../../reporters/history.ts'
import { historyOf } from '../../results/history.ts'
import { commaSeparated } from '../options.ts'
import type { Conclude } from '../program.ts'
import { releasesFolder, resultsNamed } from '../results-named.ts'
import { tellIn, type TellFlags, withTellFlags } from '../tell.ts'

interface HistoryFlags extends TellFlags {
  readonly releases: string
  readonly metric?: readonly string[]
  readonly target?: string
}

/** Chance that a series without any change shows one; see `note` of the reporter. */
const alpha = 0.05

/** `meshmark history`: trends over releases. */
export function historyCommand(conclude: Conclude): Command {
  const command = new Command('history')
    .description('trends over releases or given results; change points are advisory, nothing gates')
    .argument('[what...]', 'results, folders or releases (default: all of --releases)')
    .option('--releases <dir>', 'where releases lie', releasesFolder)
    .option('--metric <globs>', "metrics by id: 'l7-*,*/cpu'", commaSeparated)
    .option('--target <name>', 'only this target')
  return withTellFlags(command).action(async (what: readonly string[], flags: HistoryFlags) => {
    const words = what.length === 0 ? [flags.releases] : what
    const results = (
      await Promise.all(words.map((word) => resultsNamed(word, flags.releases)))
    ).flat()
    const history = chosen(
      historyOf(results, {
        median,
        medianInterval,
        changePoints: (values) => changePoints(values, { alpha, seed: 1 }),
      }),
      flags,
    )
    await tellIn(flags, {
      text: () => historyText(history),
      markdown: () => historyMarkdown(history),
      json: () => history,
    })
    conclude(0)
  })
}

/** @throws UsageError for a word that fits nothing: an empty table would read as "nothing was measured" */
function chosen(all: History, { metric, target }: HistoryFlags): History {
  const has = (one: { readonly target: string }): boolean =>
    target === undefined || one.target === target
  const both = [...all.series, ...all.conformance]
  if (target !== undefined && !both.some(has))
    throw fits(
      '--target',
      target,
      both.map((one) => one.target),
    )
  const series = all.series.filter(has)
  if (metric === undefined) return { series, conformance: all.conformance.filter(has) }
  const patterns = metric.map(globPattern)
  const found = series.filter((one) => patterns.some((pattern) => pattern.test(one.metric)))
  if (found.length === 0)
    throw fits(
      '--metric',
      metric.join(','),
      series.map((one) => one.metric),
    )
  return { series: found, conformance: [] }
}

function fits(flag: string, given: string, known: readonly string[]): UsageError {
  const all = [...new Set(known)].sort()
  return new UsageError(`${flag}: got "${given}", which fits nothing in these results`, [], {
    hint: `there ${all.length === 0 ? 'is none' : `are ${all.join(', ')}`}`,
  })
}
