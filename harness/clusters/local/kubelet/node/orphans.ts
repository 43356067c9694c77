import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '../../network/command.ts'
import { type KubeletConfig, nodeFolder } from '../config.ts'

/**
 * Ends what a former kubelet of this node has left. Containers are children of the kubelet that started them, so that
 * a new one cannot take them over; the pods are started afresh. Every pod has an IPC namespace of its own: its
 * processes are those in it, and the one that is written down as its holder says which it is.
 */
export async function removeOrphans(config: KubeletConfig): Promise<void> {
  const pods = join(nodeFolder(config), 'pods')
  const holders = list(pods).flatMap((uid) => holderOf(join(pods, uid)))
  const own = namespaceOf('self')
  const orphaned = new Set(holders.map((pid) => namespaceOf(String(pid))))
  orphaned.delete(own)
  orphaned.delete(undefined)
  if (orphaned.size > 0)
    for (const pid of list('/proc').filter((name) => /^\d+$/.test(name)))
      if (orphaned.has(namespaceOf(pid))) kill(Number(pid))
  for (const uid of list(pods)) rmSync(join(pods, uid), { recursive: true, force: true })
  const devices = list('/proc/sys/net/ipv4/conf').filter((name) => /^pod\d+$/.test(name))
  await Promise.all(
    devices.map((device) => command(['ip', 'link', 'del', device]).catch(() => undefined)),
  )
}

function holderOf(folder: string): readonly number[] {
  try {
    const { pid } = JSON.parse(readFileSync(join(folder, 'holder.json'), 'utf8')) as {
      readonly pid?: number
    }
    return pid === undefined ? [] : [pid]
  } catch {
    return []
  }
}

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/ipc`)
  } catch {
    return undefined
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // why: it has just ended with another of its pod
  }
}
