import type { CheckContext } from '../../../harness/api.ts'
import { changedNode, onNode } from './shell.ts'

const table = 'meshmark_astray'

/**
 * Counts packets that leave a node by its default route although they are for one of these addresses: a Service's
 * address that nobody translated. The counter is a table of ours at the node's last hook, removed after the check.
 * @returns what has been counted so far
 */
export async function countAstray(
  context: CheckContext,
  index: number,
  addresses: readonly string[],
): Promise<() => Promise<number>> {
  // why: after every translation (srcnat is 100)
  const rules = `table ip ${table} {
  chain out {
    type filter hook postrouting priority 300; policy accept;
    oifname "'$device'" ip daddr { ${addresses.join(', ')} } counter
  }
}`
  await changedNode(context, index, {
    todo: `device=$(ip -4 -o route show default | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p' | head -n 1)
[ -n "$device" ] || { echo 'no default route' >&2; exit 1; }
nft delete table ip ${table} 2>/dev/null || true
printf '%s' '${rules}' | nft -f -`,
    undo: `nft delete table ip ${table}`,
  })
  return async () => {
    const listed = await onNode(context, index, `nft list table ip ${table}`)
    const packets = /counter packets (\d+)/.exec(listed)?.[1]
    if (packets === undefined) throw new Error(`no counter in: ${listed}`)
    return Number(packets)
  }
}
