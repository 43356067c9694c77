import { eventually } from '../../eventually.ts'
import type { CheckContext } from '../../../harness/api.ts'
import { sayingPod, whatItSaid } from './asking-pod.ts'

/** What an attempt came to, in the words of a probe where it has one. */
export interface Attempt {
  readonly kind: string
  readonly durationMs: number
}

export interface Attempts {
  readonly transport: 'tcp' | 'udp'
  readonly host: string
  readonly port: number
  /** One after the other; up to 6, the kernel's burst. */
  readonly count: number
}

/** How long one attempt may take. */
const attemptMs = 5_000

/** How long the pod may take to start and to say what it saw, beside its attempts. */
const podMs = 60_000

const script = `
const { writeFileSync } = require('node:fs')
const { connect } = require('node:net')
const { createSocket } = require('node:dgram')
const [transport, host, port, count, attemptMs] = process.argv.slice(1)
const attempt = () => new Promise((resolve) => {
  const began = performance.now()
  const end = (kind) => resolve({ kind, durationMs: performance.now() - began })
  const failed = ({ code }) => end(code === 'ECONNREFUSED' ? 'refused' : code)
  const late = setTimeout(() => end('timed-out'), Number(attemptMs))
  late.unref()
  if (transport === 'tcp') connect(Number(port), host).on('error', failed).on('connect', () => end('opened'))
  else {
    const socket = createSocket('udp4').on('error', failed).on('message', () => end('answered'))
    socket.connect(Number(port), host, () => socket.send('who'))
  }
})
const all = async () => {
  const seen = []
  for (let left = Number(count); left > 0; left -= 1) seen.push(await attempt())
  writeFileSync('/dev/termination-log', JSON.stringify(seen))
  process.exit()
}
all()
`

/**
 * Attempts from a pod that nobody else uses, on the first node. Linux sends one client at most one ICMP error a second
 * after a burst of six (icmp_ratelimit, icmp(7)): from a pod that others use, too, the refusals of a data plane that
 * refuses by ICMP would come late because of those others.
 * @throws Error when the pod did not say what it saw
 */
export async function fromFreshClient(
  context: CheckContext,
  name: string,
  { transport, host, port, count }: Attempts,
): Promise<readonly Attempt[]> {
  const args = [transport, host, String(port), String(count), String(attemptMs)]
  await context.apply([sayingPod(context, name, { script, args }, {})])
  const { seen } = await eventually(
    () => whatItSaid(context, name),
    (said) => said !== undefined,
    { withinMs: podMs + count * attemptMs, everyMs: 100, signal: context.signal },
  )
  if (seen === undefined || seen === '') throw new Error(`the pod ${name} did not say what it saw`)
  return JSON.parse(seen) as readonly Attempt[]
}
