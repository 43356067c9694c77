import { readFileSync } from 'node:fs'
import type { Disturbance } from './check.ts'

/**
 * Looks at what keeps these processes from running, until the function that it gives is called: the time that their
 * main threads were ready and waited (the second number of /proc/PID/schedstat, sched-stats.rst), and the machine's
 * steal time (proc_stat(5)).
 */
export function watchDisturbance(pids: readonly number[]): () => Disturbance {
  const beganMs = performance.now()
  const waitedBefore = pids.map(waitedNs)
  const ticksBefore = ticks()
  return () => {
    const tookNs = (performance.now() - beganMs) * 1e6
    const waited = pids.map((pid, index) => waitedNs(pid) - (waitedBefore[index] ?? NaN))
    const spent = ticks().map((value, index) => value - (ticksBefore[index] ?? 0))
    // why: guests are counted under user already
    const total = spent.slice(0, 8).reduce((sum, value) => sum + value, 0)
    return {
      waitedRatio: Math.max(...waited) / tookNs,
      stealRatio: total === 0 ? 0 : (spent[7] ?? 0) / total,
    }
  }
}

/** CPU time of a process and all its threads, microseconds; in steps of a tick, 10 000. */
export function cpuUs(pid: number): number {
  const fields = text(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

function waitedNs(pid: number): number {
  return Number(text(`/proc/${pid}/schedstat`).split(' ')[1] ?? NaN)
}

function ticks(): readonly number[] {
  const [, ...numbers] = (/^cpu .*/m.exec(text('/proc/stat'))?.[0] ?? '').split(/\s+/)
  return numbers.map(Number)
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
