import { spawn } from 'node:child_process'
import type { LinkShape } from '../../../model/topology.ts'
import { commandIn, programPath } from './command.ts'

/** What links can do here; `link-rate` needs tbf, the others need netem. */
export type ShapeCapability = 'link-rate' | 'link-delay' | 'link-loss'

/** One end of a cable: a device in the network namespace of a process. */
export interface CableEnd {
  readonly pid: number
  readonly device: string
}

/** Shortest token bucket: one packet as large as segmentation offload makes them. */
const leastBurstBytes = 64 * 1024

/** A bucket holds what the link carries in this time, so that timers of a few kHz keep the rate. */
const burstMs = 1

/** How long a packet may wait for tokens before it is dropped. */
const queueMs = 50

/** Packets that netem holds: 1 Gbit/s of full packets for a delay of 100 ms. */
const netemLimit = 10_000

/**
 * Shapes a cable in both directions, each once: a delay of 10 ms adds 20 ms to a round trip over this cable. An empty
 * shape takes a former one off.
 */
export async function shapeCable(ends: readonly CableEnd[], shape: LinkShape): Promise<void> {
  const qdisc = qdiscOf(shape)
  await Promise.all(
    ends.map(async ({ pid, device }) => {
      if (qdisc !== undefined)
        await commandIn(pid, ['tc', 'qdisc', 'replace', 'dev', device, 'root', ...qdisc])
      else
        // why: there is nothing to delete where nothing was
        await commandIn(pid, ['tc', 'qdisc', 'del', 'dev', device, 'root']).catch(() => undefined)
    }),
  )
}

/** The words of tc for a shape, or undefined for one that changes nothing. */
export function qdiscOf({
  rateMbit,
  delayMs,
  lossRatio,
}: LinkShape): readonly string[] | undefined {
  if (delayMs !== undefined || lossRatio !== undefined)
    return [
      'netem',
      ...['limit', String(netemLimit)],
      ...(delayMs === undefined ? [] : ['delay', `${delayMs}ms`]),
      ...(lossRatio === undefined ? [] : ['loss', `${lossRatio * 100}%`]),
      ...(rateMbit === undefined ? [] : ['rate', `${rateMbit}mbit`]),
    ]
  if (rateMbit === undefined) return undefined
  const burstBytes = Math.max(leastBurstBytes, Math.round((rateMbit * 1e6 * burstMs) / 8 / 1000))
  return [
    ...['tbf', 'rate', `${rateMbit}mbit`],
    ...['burst', String(burstBytes), 'latency', `${queueMs}ms`],
  ]
}

/** Why a shape cannot be had here, or undefined when it can. */
export function shapeProblem(
  { rateMbit, delayMs, lossRatio }: LinkShape,
  capabilities: ReadonlySet<string>,
): string | undefined {
  const wanted: readonly (readonly [ShapeCapability, unknown, string])[] = [
    ['link-delay', delayMs, 'netem'],
    ['link-loss', lossRatio, 'netem'],
    ['link-rate', rateMbit, 'tbf'],
  ]
  const missing = wanted.find(([name, value]) => value !== undefined && !capabilities.has(name))
  if (missing === undefined) return undefined
  const [name, , qdisc] = missing
  return `${name} needs ${qdisc}, which this kernel does not have`
}

/** What each line of the trial needs; `lo` of a network namespace of our own is the guinea pig. */
const trials: readonly (readonly [string, readonly ShapeCapability[]])[] = [
  ['tbf rate 10mbit burst 65536 latency 50ms', ['link-rate']],
  ['netem delay 1ms', ['link-delay', 'link-loss']],
]

/** Asks the kernel what its traffic control can do, in the network namespace of the calling process. */
export function shapingCapabilities(): Promise<readonly ShapeCapability[]> {
  const lines = [
    ...trials.map(([qdisc]) => `qdisc replace dev lo root ${qdisc}`),
    'qdisc del dev lo root',
  ]
  return new Promise((resolve) => {
    const child = spawn('tc', ['-force', '-batch', '-'], {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, PATH: programPath },
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', () => {
      resolve([])
    })
    child.on('close', () => {
      const failed = [...stderr.matchAll(/Command failed \S+:(\d+)/g)].map(([, at]) => Number(at))
      resolve(trials.flatMap(([, gives], index) => (failed.includes(index + 1) ? [] : gives)))
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(`${lines.join('\n')}\n`)
  })
}
