import { readFile, readlink } from 'node:fs/promises'

/** Who made something on this machine: a process id alone could be another process by now, or of another container. */
export interface Owner {
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat: ticks after boot. */
  readonly startTicks: string
  readonly bootId: string
  readonly pidNamespace: string
}

/** True when the process that signed is gone; a process of another pid namespace counts as alive. */
export async function isDead(owner: Owner): Promise<boolean> {
  const now = await ownerOf(owner.pid)
  if (owner.bootId !== now.bootId) return true
  // why: who lives in another container cannot be seen from here
  if (owner.pidNamespace !== now.pidNamespace) return false
  return owner.startTicks !== now.startTicks
}

/** How the process of this id, if there is one, signs. */
export async function ownerOf(pid: number): Promise<Owner> {
  const [bootId, pidNamespace, stat] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
  ])
  const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  return { pid, startTicks, bootId: bootId.trim(), pidNamespace }
}
