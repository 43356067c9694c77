import { readFile } from 'node:fs/promises'
import { ClusterError } from '../../model/errors.ts'
import { command } from './network/command.ts'

/** How the sandbox' namespaces are made: as root, in a user namespace, or through sudo without a password. */
export type Privilege = 'root' | 'user-namespace' | 'sudo'

/** The words before the sandbox' own command line. */
export function namespaceCommand(privilege: Privilege): readonly string[] {
  const unshare = [
    'unshare',
    '--net',
    '--mount',
    '--pid',
    '--ipc',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
    '--propagation',
    'private',
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

/**
 * Finds the least privilege that works here.
 * @throws ClusterError 'namespaces-forbidden' with the switch that forbids it and how to turn it
 */
export async function findPrivilege(): Promise<Privilege> {
  const candidates: readonly Privilege[] =
    process.getuid?.() === 0 ? ['root'] : ['user-namespace', 'sudo']
  let cause: unknown
  for (const privilege of candidates) {
    try {
      await command([...namespaceCommand(privilege), 'true'])
      return privilege
    } catch (error) {
      cause ??= error
    }
  }
  throw new ClusterError(
    'namespaces-forbidden',
    'this machine does not let us make network namespaces',
    {
      hint: await whatForbids(),
      cause,
    },
  )
}

const switches: readonly (readonly [string, string, string])[] = [
  [
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
  [
    '/proc/sys/kernel/unprivileged_userns_clone',
    '0',
    'sudo sysctl -w kernel.unprivileged_userns_clone=1',
  ],
  ['/proc/sys/user/max_user_namespaces', '0', 'sudo sysctl -w user.max_user_namespaces=15000'],
]

async function whatForbids(): Promise<string> {
  for (const [path, forbidden, cure] of switches) {
    const value = (await readFile(path, 'utf8').catch(() => '')).trim()
    if (value === forbidden) return `${path} is ${value}; allow it: ${cure}`
  }
  return 'run as root, allow password-less sudo, or start the container with --privileged; `meshmark doctor` says more'
}
