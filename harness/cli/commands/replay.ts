import { Command } from 'commander'
import { replay } from '../../measure/gate/replay.ts'
import { UsageError } from '../../model/errors.ts'
import type { Replayed } from '../../model/gate-corpus.ts'
import { readSessions } from '../../results/gate-corpus.ts'
import { corpusSummary, judgeCorpus } from '../gate-corpus.ts'
import { stdout } from '../output.ts'
import type { Conclude } from '../program.ts'

interface ReplayFlags {
  readonly json: boolean
}

/** `meshmark bench replay`: what the gate says of sessions that ran before. */
export function replayCommand(conclude: Conclude): Command {
  return new Command('replay')
    .description('judges recorded sessions of bench --vs again, and the gate by them; runs nothing')
    .argument('<files...>', 'corpus files, or a result.json of bench --vs')
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      '\nExit codes: 0 the gate was right, 1 it called something worse that was the same, called something ok that was worse than the margin, or judges a session otherwise than the session itself did.',
    )
    .action(async (files: readonly string[], { json }: ReplayFlags) => {
      const sessions = (await Promise.all(files.map(readSessions))).flat()
      if (sessions.length === 0)
        throw new UsageError(`${files.join(', ')}: got no session`, [], {
          hint: 'name a corpus, or a result.json of `meshmark bench --vs`',
        })
      const found: readonly Replayed[] = sessions.flatMap(replay)
      const judged = judgeCorpus(found)
      stdout(json ? JSON.stringify(judged, null, 2) : corpusSummary(sessions, judged))
      conclude(judged.faults.length > 0 ? 1 : 0)
    })
}
