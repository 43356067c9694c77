import { readFile } from 'node:fs/promises'
import { execute, which } from './execute.ts'
import type { Finding } from './finding.ts'
import { privilege } from './packages.ts'

const costs = 'provider local cannot make its networks'

/** The kernel switches that forbid user namespaces to ordinary users, each with the value that allows them. */
const switches: readonly {
  readonly path: string
  readonly forbids: (value: string) => boolean
  readonly cure: string
}[] = [
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: (value) => value === '1',
    cure: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   (Ubuntu 24.04 and later; put it in /etc/sysctl.d/60-meshmark.conf to keep it)',
  },
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: (value) => value === '0',
    cure: 'sudo sysctl -w kernel.unprivileged_userns_clone=1',
  },
  {
    path: '/proc/sys/user/max_user_namespaces',
    forbids: (value) => value === '0',
    cure: 'sudo sysctl -w user.max_user_namespaces=15000',
  },
]

/** Can network, mount and pid namespaces be made here: as root, in a user namespace, or through sudo? */
export async function lookAtNamespaces(): Promise<Finding> {
  const common = { id: 'user-namespaces', required: true }
  if (which('unshare') === undefined)
    return { ...common, state: 'missing', detail: 'not tried: there is no unshare', costs }
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? [] : ['--user', '--map-root-user']
  const tried = await execute('unshare', [...user, '--net', '--mount', '--pid', '--fork', 'true'])
  if (tried.code === 0)
    return { ...common, state: 'ok', detail: isRoot ? 'not needed: root' : 'allowed' }
  const why = tried.stderr.trim()
  if (!isRoot && (await privilege()) === 'sudo')
    return {
      ...common,
      state: 'ok',
      detail: `forbidden (${why}), but sudo works without a password`,
    }
  const cures = await cure()
  return {
    ...common,
    state: 'broken',
    detail: why,
    costs,
    cure:
      cures.length > 0
        ? cures.join('; ')
        : 'run as root, allow password-less sudo, or use another provider: in a container, start it with --privileged or --security-opt seccomp=unconfined --cap-add SYS_ADMIN --cap-add NET_ADMIN',
  }
}

async function cure(): Promise<readonly string[]> {
  const values = await Promise.all(
    switches.map(({ path }) => readFile(path, 'utf8').catch(() => '')),
  )
  return switches.flatMap((one, index) =>
    one.forbids((values[index] ?? '').trim()) ? [one.cure] : [],
  )
}
