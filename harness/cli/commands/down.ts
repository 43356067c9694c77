import { Command } from 'commander'
import { foundClusters } from '../../clusters/kind/leftovers.ts'
import { removeCluster } from '../../clusters/kind/remove-cluster.ts'
import { UsageError } from '../../model/errors.ts'
import { interruption } from '../interrupt.ts'
import { wrongWord } from '../nearest.ts'
import { stderr } from '../output.ts'
import type { Conclude } from '../program.ts'

interface DownFlags {
  readonly all: boolean
}

/** `meshmark down`: removes kept clusters. */
export function downCommand(conclude: Conclude): Command {
  return new Command('down')
    .description('removes a cluster that was kept')
    .argument('[cluster]', 'its name; without one the kept clusters are listed')
    .option('--all', 'every kept cluster', false)
    .action(async (name: string | undefined, flags: DownFlags) => {
      using stop = interruption()
      const found = await foundClusters(stop)
      const kept = found.filter(({ state }) => state === 'kept').map((cluster) => cluster.name)
      conclude(await down(flags.all ? kept : name === undefined ? [] : [name], kept, stop.signal))
    })
}

async function down(
  wanted: readonly string[],
  kept: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const wrong = wanted.find((name) => !kept.includes(name))
  if (wrong !== undefined) throw new UsageError(`down: ${noSuchCluster(wrong, kept)}`)
  if (wanted.length === 0)
    stderr(kept.length === 0 ? 'No cluster was kept.' : `Kept clusters: ${kept.join(', ')}`)
  for (const name of wanted) {
    await removeCluster(name, { signal })
    stderr(`Removed ${name}.`)
  }
  return 0
}

function noSuchCluster(name: string, kept: readonly string[]): string {
  return kept.length === 0 ? `got ${name}, but no cluster was kept` : wrongWord(name, kept)
}
