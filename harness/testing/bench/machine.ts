import { readFileSync } from 'node:fs'

/** What a CPU did, as shares of the time that passed. */
export interface CpuShares {
  readonly idle: number
  /** Taken by the machine below, where this one is virtual. */
  readonly steal: number
}

/** Looks at a CPU of this machine until the function that it gives is called (proc_stat(5)). */
export function watchCpu(cpu: number): () => CpuShares {
  const before = ticks(cpu)
  return () => {
    const spent = ticks(cpu).map((value, index) => value - (before[index] ?? 0))
    // why: user, nice, system, idle, iowait, irq, softirq, steal; guests are counted under user already
    const total = spent.slice(0, 8).reduce((sum, value) => sum + value, 0)
    const [, , , idle = 0, iowait = 0, , , steal = 0] = spent
    return { idle: (idle + iowait) / total, steal: steal / total }
  }
}

function ticks(cpu: number): readonly number[] {
  const line = new RegExp(`^cpu${cpu} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1]
  if (line === undefined) throw new Error(`/proc/stat has no CPU ${cpu}`)
  return line.trim().split(/\s+/).map(Number)
}
