import { theilSenSlope } from '../../measure/theil-sen.ts'
import type { Finding } from './outcome.ts'

/** What the agent's process held at one moment. */
export interface MemoryLook {
  /** How much was sent by then. */
  readonly sent: number
  readonly rssBytes: number
}

const mib = 2 ** 20

/** Two thirds of the memory limit that the agent's DaemonSet has (192 MiB). */
export const mostRssBytes: number = 128 * mib

/** What the second half of the work may add, by its trend: a heap breathes, a leak of 100 bytes a packet adds 50 MiB. */
const mostGrowthBytes = 4 * mib

/** Fewer looks than this in the second half show no trend. */
const fewestLooks = 10

/**
 * Judges that memory is bounded, and flat once it is warm: the Theil-Sen slope over the second half of what was sent.
 * @param warmAfter - what has to be sent before everything that is kept is full; less shows no trend
 */
export function judgeMemory(looks: readonly MemoryLook[], warmAfter: number): readonly Finding[] {
  const most = Math.max(0, ...looks.map(({ rssBytes }) => rssBytes))
  const sent = Math.max(0, ...looks.map((look) => look.sent))
  const bound: Finding = {
    name: 'memory',
    seen: `RSS ${told(looks[0]?.rssBytes ?? 0)} before, at most ${told(most)} (bound ${told(mostRssBytes)}), ${looks.length} looks`,
    ok: looks.length > 1 && most <= mostRssBytes,
  }
  const name = 'memory is flat'
  if (sent < 2 * warmAfter)
    return [bound, { name, seen: `not judged: below ${2 * warmAfter} it is still warming up` }]
  const half = looks.filter((look) => look.sent >= sent / 2)
  if (half.length < fewestLooks)
    return [bound, { name, seen: `${half.length} looks in the second half, too few`, ok: false }]
  const slope = theilSenSlope(half.map((look) => [look.sent, look.rssBytes] as const))
  const growth = (slope * sent) / 2
  const seen = `the second half adds ${told(growth)} by its Theil-Sen slope (bound ${told(mostGrowthBytes)}), ${half.length} looks`
  return [bound, { name, seen, ok: growth <= mostGrowthBytes }]
}

function told(bytes: number): string {
  return `${(bytes / mib).toFixed(1)} MiB`
}
