import { isIP } from 'node:net'
import type { WatchJob } from '../model/watch.ts'
import { asking, type Seen } from './watch-ask.ts'

/** A request that came to its end: sent when, by this program's `performance.now()`; took how long; was it answered; what was seen. */
export type SightingLine = readonly [sentMs: number, tookMs: number, answered: 0 | 1, seen: string]

/** How often what was seen is told: often enough to wait for, seldom enough not to disturb. */
const tellEveryMs = 20

/** Asks at an even pace until it is aborted, and tells what it saw in batches. A late turn sends one request, no burst. */
export function watch(
  { target, everyMs, timeoutMs }: WatchJob,
  {
    tell,
    signal,
  }: { readonly tell: (lines: readonly SightingLine[]) => void; readonly signal: AbortSignal },
): void {
  const { ask, close } = asking(target)
  let lines: SightingLine[] = []
  const underWay = new Set<() => void>()
  const send = (): void => {
    const sent = performance.now()
    let isOver = false
    const over = ({ answered, seen }: Seen): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      underWay.delete(giveUp)
      lines.push([sent, performance.now() - sent, answered ? 1 : 0, seen])
    }
    const timer = setTimeout(() => {
      abandon()
      over({ answered: false, seen: 'timed-out' })
    }, timeoutMs)
    let abandon: () => void = () => undefined
    const giveUp = (): void => {
      clearTimeout(timer)
      abandon()
    }
    underWay.add(giveUp)
    abandon = ask(over)
  }
  let dueMs = performance.now()
  const turn = (): void => {
    const now = performance.now()
    if (now >= dueMs) {
      send()
      dueMs = Math.max(dueMs + everyMs, now)
    }
    pacer = setTimeout(turn, Math.max(0, dueMs - performance.now()))
  }
  let pacer = setTimeout(turn, 0)
  const teller = setInterval(() => {
    if (lines.length === 0) return
    tell(lines)
    lines = []
  }, tellEveryMs)
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(pacer)
      clearInterval(teller)
      for (const giveUp of underWay) giveUp()
      close()
    },
    { once: true },
  )
}

const kinds: readonly string[] = [
  'tcp',
  'http',
  'udp',
  'dns',
  'kept-tcp',
] satisfies readonly WatchJob['target']['kind'][]

/**
 * Checks a watch that came over the wire.
 * @throws RangeError naming what is wrong, its value and the rule
 */
export function parseWatch(value: unknown): WatchJob {
  const { target, everyMs, timeoutMs } = (value ?? {}) as Partial<WatchJob>
  const problems = [
    ...within('everyMs', everyMs, 1, 1_000),
    ...within('timeoutMs', timeoutMs, 10, 60_000),
    ...(target === undefined || !kinds.includes(target.kind)
      ? [`target.kind: got ${JSON.stringify(target?.kind)}, want one of ${kinds.join(', ')}`]
      : []),
    ...(isIP(String(target?.host)) === 0
      ? [`target.host: got ${JSON.stringify(target?.host)}, want an address`]
      : []),
    ...within('target.port', target?.port, 1, 65_535),
  ]
  if (problems.length > 0) throw new RangeError(problems.join('; '))
  return value as WatchJob
}

function within(field: string, value: unknown, least: number, most: number): readonly string[] {
  return typeof value === 'number' && value >= least && value <= most
    ? []
    : [`${field}: got ${JSON.stringify(value)}, want a number from ${least} to ${most}`]
}
