import type { LinkShape } from '../../../model/topology.ts'
import { command, commandIn } from './command.ts'

/** Bytes that a token bucket lets through at once: a few full packets, so that short bursts stay one burst. */
const burstBytes = 32 * 1024

/** How long a packet may wait for tokens before it is dropped. */
const queueMs = 50

/** Slows an interface of a namespace down, in the direction out of it. */
export async function shapeLink(pid: number, device: string, shape: LinkShape): Promise<void> {
  const { rateMbit, delayMs, lossRatio } = shape
  const root = ['tc', 'qdisc', 'replace', 'dev', device, 'root']
  if (delayMs !== undefined || lossRatio !== undefined) {
    const netem = [
      ...(delayMs === undefined ? [] : ['delay', `${delayMs}ms`]),
      ...(lossRatio === undefined ? [] : ['loss', `${lossRatio * 100}%`]),
      ...(rateMbit === undefined ? [] : ['rate', `${rateMbit}mbit`]),
    ]
    await commandIn(pid, [...root, 'netem', ...netem])
  } else if (rateMbit !== undefined) {
    const bucket = [
      'rate',
      `${rateMbit}mbit`,
      'burst',
      String(burstBytes),
      'latency',
      `${queueMs}ms`,
    ]
    await commandIn(pid, [...root, 'tbf', ...bucket])
  }
}

/** Takes a shape off again. */
export async function unshapeLink(pid: number, device: string): Promise<void> {
  await commandIn(pid, ['tc', 'qdisc', 'del', 'dev', device, 'root'])
}

/** What this kernel's traffic control can do; to be asked inside a network namespace of our own. */
export async function shapingCapabilities(): Promise<
  readonly ('link-rate' | 'link-delay' | 'link-loss')[]
> {
  const works = async (...qdisc: string[]): Promise<boolean> => {
    try {
      await command(['tc', 'qdisc', 'replace', 'dev', 'lo', 'root', ...qdisc])
      await command(['tc', 'qdisc', 'del', 'dev', 'lo', 'root'])
      return true
    } catch {
      return false
    }
  }
  const found: ('link-rate' | 'link-delay' | 'link-loss')[] = []
  if (await works('tbf', 'rate', '10mbit', 'burst', '32768', 'latency', '50ms'))
    found.push('link-rate')
  if (await works('netem', 'delay', '1ms')) found.push('link-delay', 'link-loss')
  return found
}
