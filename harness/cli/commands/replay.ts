import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { replay } from '../../measure/gate/replay.ts'
import { ResultError, UsageError } from '../../model/errors.ts'
import type { CorpusSession, Replayed } from '../../model/gate-corpus.ts'
import { corpusKind, corpusSession, parseCorpus } from '../../results/gate-corpus.ts'
import { parseResult } from '../../results/read.ts'
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
      const sessions = (await Promise.all(files.map(sessionsOf))).flat()
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

async function sessionsOf(path: string): Promise<readonly CorpusSession[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ResultError('unreadable', `${path} cannot be read: ${String(error)}`, {
      hint: 'name a corpus, or a result.json of `meshmark bench --vs`',
      cause: error,
    })
  })
  if (!text.includes(`"kind":"${corpusKind}"`)) return [corpusSession(parseResult(text, path))]
  return parseCorpus(jsonOf(text, path), path).sessions
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ResultError('unreadable', `${path} is not JSON`, {
      hint: 'the file was cut short or edited: use an unchanged one',
      cause,
    })
  }
}
