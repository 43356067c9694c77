import { Command } from 'commander'
import { median } from '../../measure/quantile.ts'
import { medianInterval } from '../../measure/median-interval.ts'
import { UsageError } from '../../model/errors.ts'
import { comparisonMarkdown } from '../../reporters/comparison-markdown.ts'
import { comparisonText } from '../../reporters/comparison-text.ts'
import { compareResults, type NamedResult } from '../../results/compare.ts'
import { gateComparison } from '../../results/gate-comparison.ts'
import { stderr } from '../output.ts'
import type { Conclude } from '../program.ts'
import { releasesFolder, resultsNamed } from '../results-named.ts'
import { tellIn, type TellFlags, withTellFlags } from '../tell.ts'

interface CompareFlags extends TellFlags {
  readonly gate: boolean
  readonly strict: boolean
  readonly releases: string
}

/** `meshmark compare`: two results or releases, row by row and number beside number. */
export function compareCommand(conclude: Conclude): Command {
  const command = new Command('compare')
    .description(
      'holds two results or releases against each other: conformance row by row, numbers side by side',
    )
    .argument('<a>', 'a result.json, a folder with results, or a release: 0.1.0')
    .argument('<b>', 'the later one')
    .option(
      '--gate',
      'exit 1 when conformance, or a session with pairs that B holds, got worse',
      false,
    )
    .option('--strict', 'of --gate: 3 for an undecided session, 4 for a SHOULD', false)
    .option('--releases <dir>', 'where releases lie', releasesFolder)
  return withTellFlags(command).action(async (a: string, b: string, flags: CompareFlags) => {
    conclude(await compare(a, b, flags))
  })
}

async function compare(a: string, b: string, flags: CompareFlags): Promise<number> {
  const before = await resultsNamed(a, flags.releases)
  const after = await resultsNamed(b, flags.releases)
  const { pairs, alone } = paired(before, after)
  for (const line of alone) stderr(`not compared: ${line}`)
  if (pairs.length === 0)
    throw new UsageError(`${a} and ${b} have nothing in common`, [], {
      hint: 'they hold results of other implementations, providers or kinds: name the two result.json',
    })
  const compared = pairs.map(([one, other]) => {
    const comparison = compareResults(one, other, { median, medianInterval })
    const gate = flags.gate ? gateComparison(comparison, flags) : undefined
    return { comparison, ...(gate !== undefined && { gate }) }
  })
  const told = (render: typeof comparisonText, between: string): string =>
    compared.map(({ comparison, gate }) => render(comparison, gate)).join(between)
  await tellIn(flags, {
    text: () => told(comparisonText, `\n\n${'='.repeat(72)}\n\n`),
    markdown: () => told(comparisonMarkdown, '\n---\n\n'),
    json: () => ({ comparisons: compared }),
  })
  return worst(compared.map(({ gate }) => gate?.exitCode ?? 0))
}

/** 1 outweighs 2, and so on; 0 is the best. */
function worst(codes: readonly number[]): number {
  return codes.filter((code) => code > 0).sort((a, b) => a - b)[0] ?? 0
}

/**
 * Two single results are a pair whatever they are. Of two releases, what tests the same implementation on the same
 * provider with the same parts; where one has several of a kind, its last.
 */
function paired(
  before: readonly NamedResult[],
  after: readonly NamedResult[],
): {
  readonly pairs: readonly (readonly [NamedResult, NamedResult])[]
  readonly alone: readonly string[]
} {
  const [onlyA, onlyB] = [before[0], after[0]]
  if (before.length === 1 && after.length === 1 && onlyA !== undefined && onlyB !== undefined)
    return { pairs: [[onlyA, onlyB]], alone: [] }
  const [lastA, lastB] = [byKind(before), byKind(after)]
  const pairs = [...lastA].flatMap(([kind, one]) => {
    const other = lastB.get(kind)
    return other === undefined ? [] : [[one, other] as const]
  })
  const used = new Set(pairs.flat())
  const alone = [...before, ...after]
    .filter((one) => !used.has(one))
    .map(({ name }) => `${name}: the other side has no later or no such result`)
  return { pairs, alone }
}

function byKind(all: readonly NamedResult[]): ReadonlyMap<string, NamedResult> {
  return new Map(all.map((one) => [kindOf(one), one] as const))
}

function kindOf({ result }: NamedResult): string {
  const { implementation, cluster } = result
  const parts = (['walkthrough', 'conformance', 'bench', 'gate'] as const).filter(
    (part) => result[part] !== undefined,
  )
  const { organization, project, mode } = implementation
  return JSON.stringify([organization, project, mode, cluster.provider, parts])
}
