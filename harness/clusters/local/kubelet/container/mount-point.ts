import { existsSync, lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Makes the place of a mount in the writable layer of a container's root, where the machine has no such folder. It
 * cannot be left to the container: in a user namespace the machine's folders belong to nobody that is mapped, and
 * nothing may be made in them; a folder of the upper layer is ours, and so is what it is merged with.
 * @param upper - the folder of upper layers, one per top-level folder
 * @param target - absolute path inside the container, of a folder
 */
export function makeMountPoint(upper: string, target: string): void {
  const [, top = '', ...rest] = target.split('/')
  if (!existsSync(join(upper, top))) return
  let path = join('/', top)
  for (const part of rest) {
    path = join(path, part)
    if (!existsSync(path)) break
    // why: a folder of ours would hide the link (/var/run); what it leads to is another place
    if (lstatSync(path).isSymbolicLink()) return
  }
  mkdirSync(join(upper, top, ...rest), { recursive: true, mode: 0o755 })
}
