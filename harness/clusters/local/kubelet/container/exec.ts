import { spawn, type ChildProcess } from 'node:child_process'
import { programPath } from '../../network/command.ts'
import { programOf } from '../find-program.ts'
import type { Container } from './container.ts'
import { quote } from './root-fs.ts'

export interface ExecInit {
  readonly words: readonly string[]
  /** Give it a terminal of its own; stderr and stdout become one. */
  readonly tty?: boolean
}

/**
 * Starts a program in a running container with the container's environment and working folder. It dies with the
 * process that was started here. Descriptor 3 tells the terminal's path when there is one.
 * @returns undefined when the container is not running
 */
export function execIn(
  container: Container,
  { words, tty = false }: ExecInit,
): ChildProcess | undefined {
  const pid = container.initPid()
  if (pid === undefined) return undefined
  const { env, workingDir } = container
  const inside = tty ? onTerminal(words) : words
  return spawn(
    programOf('nsenter'),
    [
      ...['-t', String(pid), '-n', '-m', '-u', '-i', '-p', '--'],
      ...[programOf('setpriv'), '--pdeathsig', 'KILL', '--'],
      ...['/bin/sh', '-c', 'cd "$0" 2>/dev/null; unset OLDPWD; exec "$@"', workingDir, ...inside],
    ],
    {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      cwd: '/',
      env: {
        ...env,
        PATH: env['PATH'] ?? programPath,
        ...(tty && { TERM: env['TERM'] ?? 'xterm' }),
      },
    },
  )
}

/** script(1), which every Debian has, gives its command a terminal. */
function onTerminal(words: readonly string[]): readonly string[] {
  const command = `${programOf('tty')} >&3; exec 3>&-; exec ${words.map(quote).join(' ')}`
  return [programOf('script'), '-qefc', command, '/dev/null']
}

/** Tells a terminal of a container its size; best effort. */
export function resize(container: Container, tty: string, columns: number, rows: number): void {
  const pid = container.initPid()
  if (pid === undefined) return
  const size = ['rows', String(rows), 'cols', String(columns)]
  spawn('nsenter', ['-t', String(pid), '-m', '-p', '--', 'stty', '-F', tty, ...size], {
    stdio: 'ignore',
    env: { PATH: programPath },
  }).on('error', () => undefined)
}
