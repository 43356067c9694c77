import { ClusterError } from '../../../model/errors.ts'

interface Known {
  readonly pattern: RegExp
  readonly error: (found: RegExpExecArray, message: string, runDirectory: string) => ClusterError
}

/** What a machine lacks, by the words in which its programs say so; the first that fits counts. */
const known: readonly Known[] = [
  {
    // why: the kernel says "no space" for a number of namespaces, too
    pattern: /unshare failed: No space left on device/,
    error: (_, message) =>
      new ClusterError('namespaces-forbidden', message, {
        hint: 'allow more namespaces: sudo sysctl -w user.max_net_namespaces=15000 user.max_mnt_namespaces=15000',
      }),
  },
  {
    pattern: /ENOSPC|No space left on device/,
    error: (_, message, runDirectory) =>
      new ClusterError('disk-full', `${runDirectory} has no room left: ${message}`, {
        hint: 'free some space there, or set TMPDIR to a folder with room',
      }),
  },
  {
    pattern: /spawn (\S+) ENOENT|exec: (\S+): not found|failed to execute (\S+): No such file/,
    error: ([, one, two, three], message) =>
      new ClusterError(
        'tool-missing',
        `${one ?? two ?? three ?? ''} is not installed: ${message}`,
        { hint: 'meshmark doctor --install' },
      ),
  },
]

/** The error for what a sandbox or one of its components said before it gave up. */
export function sandboxFailure(message: string, runDirectory: string): ClusterError {
  for (const { pattern, error } of known) {
    const found = pattern.exec(message)
    if (found !== null) return error(found, message, runDirectory)
  }
  return new ClusterError('provision-failed', message)
}
