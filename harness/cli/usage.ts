import type { Command, CommanderError } from 'commander'
import { nearest } from './nearest.ts'

/** What was given, what is allowed, the nearest match: one message for every mistake on the command line. */
export function usageReport(error: CommanderError, root: Command, argv: readonly string[]): string {
  const command = commandOf(root, argv)
  const message = error.message.replace(/^error: /, '').replace(/\n\(Did you mean.*$/s, '')
  const [what, allowed] = allowedFor(error, command, root)
  const given = /'([^']+)'/.exec(message)?.[1]
  const near = given === undefined ? undefined : nearest(given.split('=')[0] ?? given, allowed)
  const lines = [`meshmark: ${message}`]
  if (allowed.length > 0) lines.push(`  ${what}: ${allowed.join(', ')}`)
  if (near !== undefined) lines.push(`  did you mean ${near}?`)
  lines.push(`  see ${fullName(command)} --help`)
  return lines.join('\n')
}

/** The command that the first words name, as far as they name any. */
function commandOf(command: Command, [word, ...rest]: readonly string[]): Command {
  const next = command.commands.find((candidate) => candidate.name() === word)
  return next === undefined ? command : commandOf(next, rest)
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`
}

function allowedFor(
  error: CommanderError,
  command: Command,
  root: Command,
): readonly [string, readonly string[]] {
  if (error.code === 'commander.unknownOption')
    return [
      'flags',
      [
        ...command.options.flatMap(({ long }) => (typeof long === 'string' ? [long] : [])),
        '--help',
      ],
    ]
  if (error.code === 'commander.unknownCommand' || command === root)
    return ['commands', root.commands.map((candidate) => candidate.name())]
  return ['', []]
}
