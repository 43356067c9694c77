import { type PerformanceEntry, performance, PerformanceObserver } from 'node:perf_hooks'

/** What the generator itself used between `begin` and `end`. */
export interface Health {
  begin(): void
  /** The generator waited awake: time that it had to spare. */
  polled(idleMs: number): void
  end(): void
  readonly used: {
    readonly cpuUs: number
    /** Share of the time in which the event loop worked, waiting awake left out. */
    readonly utilization: number
    readonly gcMs: number
  }
}

export function generatorHealth(): Health {
  let cpu = process.cpuUsage()
  let loop = performance.eventLoopUtilization()
  let polledMs = 0
  let gcMs = 0
  let used = { cpuUs: 0, utilization: 0, gcMs: 0 }
  const count = (entries: readonly PerformanceEntry[]): void => {
    for (const { duration } of entries) gcMs += duration
  }
  const observer = new PerformanceObserver((list) => {
    count(list.getEntries())
  })
  return {
    begin: () => {
      cpu = process.cpuUsage()
      loop = performance.eventLoopUtilization()
      polledMs = 0
      gcMs = 0
      observer.observe({ entryTypes: ['gc'] })
    },
    polled: (idleMs) => {
      polledMs += idleMs
    },
    end: () => {
      count(observer.takeRecords())
      observer.disconnect()
      const { user, system } = process.cpuUsage(cpu)
      const { active, idle } = performance.eventLoopUtilization(loop)
      const utilization = Math.max(0, active - polledMs) / Math.max(1, active + idle)
      used = { cpuUs: user + system, utilization, gcMs }
    },
    get used() {
      return used
    },
  }
}
