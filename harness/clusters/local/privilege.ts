import { readFile } from 'node:fs/promises'
import { ClusterError } from '../../model/errors.ts'
import { command } from './network/command.ts'

/** How the sandbox' namespaces are made: as root, in a user namespace, or through sudo without a password. */
export type Privilege = 'root' | 'user-namespace' | 'sudo'

/** The words before a command line that put it into namespaces of its own, as their root. */
export function namespaceCommand(privilege: Privilege): readonly string[] {
  const unshare = [
    ...['unshare', '--net', '--mount', '--pid', '--ipc', '--uts', '--fork'],
    ...['--kill-child=KILL', '--mount-proc', '--propagation', 'private'],
  ]
  switch (privilege) {
    case 'root':
      return unshare
    case 'user-namespace':
      return [...unshare, '--user', '--map-root-user']
    case 'sudo':
      return ['sudo', '-n', ...unshare]
  }
}

/** What may work here, the least privilege first. */
export function privileges(): readonly Privilege[] {
  return process.getuid?.() === 0 ? ['root'] : ['user-namespace', 'sudo']
}

/**
 * Finds the least privilege that works here by trying.
 * @throws ClusterError 'namespaces-forbidden' with the switch that forbids it and how to turn it
 */
export async function findPrivilege(): Promise<Privilege> {
  const said: string[] = []
  for (const privilege of privileges()) {
    try {
      await command([...namespaceCommand(privilege), 'true'])
      return privilege
    } catch (error) {
      said.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw await namespacesForbidden(said.join('; '))
}

/** The error for a machine that lets us make no namespaces; `said` is what unshare and sudo answered. */
export async function namespacesForbidden(said: string): Promise<ClusterError> {
  return new ClusterError(
    'namespaces-forbidden',
    `this machine does not let us make network namespaces: ${said}`,
    { hint: await cureOf(process.getuid?.() === 0, (path) => readFile(path, 'utf8')) },
  )
}

interface Switch {
  readonly path: string
  readonly forbids: (value: string) => boolean
  readonly cure: string
  /** Stops root as well. */
  readonly forRoot: boolean
}

const is =
  (forbidding: string) =>
  (value: string): boolean =>
    value === forbidding

/** Kernel switches that forbid namespaces, each with the value that does and the command that allows them. */
const switches: readonly Switch[] = [
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: is('0'),
    cure: 'sudo sysctl -w kernel.unprivileged_userns_clone=1',
    forRoot: false,
  },
  {
    path: '/proc/sys/user/max_user_namespaces',
    forbids: is('0'),
    cure: 'sudo sysctl -w user.max_user_namespaces=15000',
    forRoot: false,
  },
  {
    path: '/proc/sys/user/max_net_namespaces',
    forbids: is('0'),
    cure: 'sudo sysctl -w user.max_net_namespaces=15000',
    forRoot: true,
  },
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: is('1'),
    cure: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    forRoot: false,
  },
]

/**
 * Says which switch forbids namespaces and how to turn it.
 * @param read - gives the content of a file or rejects
 */
export async function cureOf(
  isRoot: boolean,
  read: (path: string) => Promise<string>,
): Promise<string> {
  for (const { path, forbids, cure, forRoot } of switches) {
    if (isRoot && !forRoot) continue
    const value = (await read(path).catch(() => '')).trim()
    if (forbids(value)) return `${path} is ${value}; allow it: ${cure}`
  }
  return isRoot
    ? 'root lacks CAP_SYS_ADMIN here: start this container with --privileged, or use another provider'
    : 'run as root, allow password-less sudo, or use another provider'
}
