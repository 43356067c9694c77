import { readdir } from 'node:fs/promises'
import type { Metric } from './exposition.ts'

/** What Prometheus clients say of every process. */
export async function processMetrics(): Promise<readonly Metric[]> {
  const { user, system } = process.cpuUsage()
  const openFiles = await readdir('/proc/self/fd').catch(() => [])
  const gauge = (name: string, help: string, value: number): Metric => ({
    name,
    help,
    type: 'gauge',
    samples: [{ value }],
  })
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'User and system CPU time.',
      type: 'counter',
      samples: [{ value: (user + system) / 1e6 }],
    },
    gauge('process_resident_memory_bytes', 'Memory in RAM.', process.memoryUsage.rss()),
    gauge('process_open_fds', 'Open file descriptors.', openFiles.length),
    gauge('process_start_time_seconds', 'Start, in seconds since 1970.', startedAtSeconds),
  ]
}

const startedAtSeconds = Date.now() / 1000 - process.uptime()
