import { Command, Option } from 'commander'
import { noiseModels } from '../../measure/gate/noise.ts'
import { gateRules } from '../../measure/gate/rule.ts'
import { simulate, type Simulated } from '../../measure/gate/simulate.ts'
import { wholeNumber } from '../options.ts'
import { stdout } from '../output.ts'
import type { Conclude } from '../program.ts'

interface SimulateFlags {
  readonly profile: 'pr' | 'release'
  readonly sessions: number
  readonly metrics: number
  readonly margin: number
  readonly seed: number
  readonly json: boolean
}

/** What a candidate's first metric truly changes by, in percent. */
const changes = [0, 5, 10, 20] as const

/** `meshmark bench simulate`: how often the gate would err, from sessions that never ran. */
export function simulateCommand(conclude: Conclude): Command {
  return new Command('simulate')
    .description('how often the gate errs: plays sessions under six models of noise, runs nothing')
    .addOption(
      new Option('--profile <name>', 'the rule').choices(Object.keys(gateRules)).default('release'),
    )
    .option('--sessions <n>', 'sessions per change, over all models', wholeNumber(6, 1e7), 20_000)
    .option('--metrics <n>', 'gated metrics of a session', wholeNumber(1, 100), 8)
    .option('--margin <percent>', 'smallest change that matters', wholeNumber(1, 1000), 5)
    .option('--seed <n>', 'seed of the noise', wholeNumber(0, 2 ** 32 - 1), 1)
    .option('--json', 'print JSON', false)
    .action((flags: SimulateFlags) => {
      const found = play(flags)
      stdout(flags.json ? JSON.stringify({ ...flags, found }, null, 2) : tell(flags, found))
      conclude(0)
    })
}

interface Found extends Simulated {
  readonly noise: string
  readonly title: string
  /** In percent. */
  readonly change: number
}

function play({ profile, sessions, metrics, margin, seed }: SimulateFlags): readonly Found[] {
  const each = Math.ceil(sessions / noiseModels.length)
  return noiseModels.flatMap((noise) =>
    changes.map((change) => ({
      noise: noise.id,
      title: noise.title,
      change,
      ...simulate({
        rule: gateRules[profile],
        noise,
        sessions: each,
        seed,
        metrics,
        change: change / 100,
        margin: margin / 100,
      }),
    })),
  )
}

function tell({ profile, metrics, margin, seed }: SimulateFlags, found: readonly Found[]): string {
  const looks = gateRules[profile].looks.map(({ pairs }) => pairs).join(', ')
  const lines = [
    `Rule ${profile}: ${metrics} gated metrics, looks at ${looks} pairs, margin ${margin} %; seed ${seed}.`,
    'One metric of a session truly changes as told, the others not at all.',
  ]
  for (const { id, title } of noiseModels) {
    lines.push('', `${id}: ${title}`)
    for (const one of found.filter(({ noise }) => noise === id))
      lines.push(
        `  +${one.change} %`.padEnd(8) +
          `regressed ${percent(one.regressed)}  ok ${percent(one.ok)}  inconclusive ${percent(one.inconclusive)}` +
          `  false alarms ${percent(one.falseAlarms)}  pairs ${one.pairs.toFixed(1)}`,
      )
  }
  lines.push('', ...sums(found))
  return lines.join('\n')
}

/** The two numbers that a gate is judged by. */
function sums(found: readonly Found[]): readonly string[] {
  const share = (of: (one: Found) => number, change: number): [number, number] => {
    const own = found.filter((one) => one.change === change)
    const sessions = own.reduce((sum, one) => sum + one.sessions, 0)
    return [own.reduce((sum, one) => sum + of(one) * one.sessions, 0) / sessions, sessions]
  }
  const [alarms, sessions] = share(({ falseAlarms }) => falseAlarms, 0)
  const [tenth] = share(({ regressed }) => regressed, 10)
  const worst = Math.min(
    ...found.filter(({ change }) => change === 10).map(({ regressed }) => regressed),
  )
  return [
    `A/A: ${percent(alarms)} of ${sessions} sessions were called regressed in any metric.`,
    `+10 %: found in ${percent(tenth)}; in the worst model in ${percent(worst)}.`,
  ]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`.padStart(8)
}
