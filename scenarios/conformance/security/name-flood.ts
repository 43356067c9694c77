import { setTimeout as delay } from 'node:timers/promises'
import type { Check, CheckContext } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { sayingPod, whatItSaid } from '../support/asking-pod.ts'
import { clusterIpOf } from '../support/cluster-facts.ts'
import { ask, dataOf, dnsServer, serviceName } from '../support/dns.ts'
import { Judgement } from '../support/judgement.ts'
import { inPod } from '../support/positions.ts'
import { quantile } from '../support/quantile.ts'
import { restartsOfOthers, startedAgain } from '../support/restarts.ts'
import { backends } from './backends.fixture.ts'
import { isServed } from './served.ts'

const [perSecond, seconds] = [5_000, 60] as const

/** A generator that fell behind by more has not made the flood that the row asks for. */
const leastShare = 0.9

/** A target that takes more makes the generator late itself. */
const mostCores = 1.2

/** Part of the bound by which one of 500 timers of the generator may be late, or the machine is too busy to tell. */
const idleShare = 0.5

/** How long its pod may take to start, and to say what it sent. */
const podMs = 60_000

/** Pauses between two questions of the client beside, and between two looks at the target's memory, in ms. */
const [askEveryMs, lookEveryMs] = [30, 2_000] as const

const MiB = 1 << 20

/** Sends A queries for names that nobody has, half of them of the cluster; then says how many it sent and had answered. */
const program = `
const { writeFileSync } = require('node:fs')
const { randomBytes } = require('node:crypto')
const [server, port, cluster, perSecond, seconds] = process.argv.slice(1)
const labels = (name) => Buffer.concat([
  ...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
  Buffer.from([0, 0, 1, 0, 1]),
])
const head = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
const tails = [cluster, 'example.com'].map(labels)
const query = (number) => {
  const random = Buffer.from(randomBytes(8).toString('hex'))
  const message = Buffer.concat([head, Buffer.from([random.length]), random, tails[number % 2]])
  message.writeUInt16BE(number & 0xffff, 0)
  return message
}
let [sent, answered] = [0, 0]
const sockets = Array.from({ length: 8 }, () =>
  require('node:dgram').createSocket('udp4').on('message', () => (answered += 1)).on('error', () => undefined))
const began = performance.now()
const everyMs = 5
const lateMs = []
let last = began
const timer = setInterval(() => {
  const now = performance.now()
  lateMs.push(now - last - everyMs)
  last = now
  const elapsed = Math.min(performance.now() - began, seconds * 1000)
  const due = Math.floor((elapsed / 1000) * perSecond)
  // why: what a pause left over comes in pieces, not as one burst
  for (const most = sent + perSecond / 50; sent < due && sent < most; sent += 1)
    sockets[sent % sockets.length].send(query(sent), Number(port), server, () => undefined)
  if (elapsed < seconds * 1000) return
  clearInterval(timer)
  setTimeout(() => {
    writeFileSync('/dev/termination-log', JSON.stringify({ sent, answered, lateMs: lateMs.sort((a, b) => a - b)[Math.floor(lateMs.length * 0.998)] }))
    process.exit()
  }, 1000)
}, everyMs)
`

export const nameFlood: readonly Check[] = [
  {
    requirement: 'SEC-DOS-003',
    sends: `${perSecond} queries a second for ${seconds} s from a pod for random names, of the cluster and outside of it; meanwhile those of another pod on its node for a Service`,
    expects:
      "the other pod's are answered, 99 of 100 within the bound, and the memory of the target on the node grows by no more than the bound; nothing starts again",
    fixtures: [backends],
    timeoutMs: (seconds + 180) * 1_000,
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, 0))) return judgement.assessment('')
      const namespace = context.fixture(backends)
      const name = serviceName(context, 'web', namespace)
      const ip = await clusterIpOf(context, namespace, 'web')
      const restarts = await restartsOfOthers(context)
      const { node } = inPod(context)
      const { rssBytes: before, cpuUs: spentUs } = await context.target.usage(node, context)
      const startedAt = performance.now()
      const flood = flooded(context, namespace)
      const beside = besides(context, flood, name, ip)
      const memory = mostMemory(context, flood, node)
      const { sent, answered, lateMs } = await flood
      const { tookMs, wrong } = await beside
      const p99Ms = quantile(tookMs, 0.99)
      const boundMs = context.threshold('p99Ms')
      const grown = ((await memory) - before) / MiB
      judgement
        .equal('wrong answers beside', [], wrong.filter(isWrongWhateverTheLoad).slice(0, 5))
        .atMost('growth of the memory', context.threshold('rssGrowthMiB'), grown, 'MiB')
        .set('pods started again', [], startedAgain(restarts, await restartsOfOthers(context)))
      const isSlow = p99Ms > boundMs
      const { cpuUs } = await context.target.usage(node, context)
      const cores = (cpuUs - spentUs) / 1_000 / (performance.now() - startedAt)
      // why: where a program that does next to nothing waits for a CPU as long, nobody could answer in time
      if (judgement.ok && isSlow && cores < mostCores && lateMs > boundMs * idleShare)
        throw new Error(
          `the machine is busy: of 500 timers of the generator one was over ${lateMs.toFixed(0)} ms late`,
        )
      judgement
        .equal('unanswered beside', 0, wrong.length - wrong.filter(isWrongWhateverTheLoad).length)
        .atMost('99th percentile beside', boundMs, p99Ms)
      return judgement.assessment(
        `${sent} queries, ${answered} answered; ${tookMs.length} beside, half within ${quantile(tookMs, 0.5).toFixed(1)} ms, 99 of 100 within ${p99Ms.toFixed(1)} ms; ${grown.toFixed(1)} MiB more`,
      )
    },
  },
]

/** A question that was not answered in time may be the machine's doing. */
function isWrongWhateverTheLoad(what: string): boolean {
  return what !== 'timed-out'
}

interface Flood {
  readonly sent: number
  readonly answered: number
  /** One of 500 timers of the generator was later. */
  readonly lateMs: number
}

/** @throws Error when the generator could not send as many as it was to */
async function flooded(context: CheckContext, namespace: string): Promise<Flood> {
  const { address, port } = dnsServer(context)
  const zone = `${namespace}.svc.${context.cluster.topology.clusterDomain}`
  const args = [address, String(port), zone, String(perSecond), String(seconds)]
  await context.apply([sayingPod(context, 'flood', { script: program, args }, {})])
  const { seen } = await eventually(
    () => whatItSaid(context, 'flood'),
    (said) => said !== undefined,
    { withinMs: seconds * 1_000 + podMs, everyMs: 500, signal: context.signal },
  )
  if (seen === undefined || seen === '') throw new Error('the flood did not say what it sent')
  const flood = JSON.parse(seen) as Flood
  const wanted = perSecond * seconds
  if (flood.sent < wanted * leastShare)
    throw new Error(`the generator sent ${flood.sent} queries, want ${wanted}: the machine is busy`)
  return flood
}

/** Asks for a name again and again, one question after the other, until something else is done. */
async function besides(
  context: CheckContext,
  until: Promise<unknown>,
  name: string,
  ip: string,
): Promise<{ readonly tookMs: readonly number[]; readonly wrong: readonly string[] }> {
  const tookMs: number[] = []
  const wrong: string[] = []
  await meanwhile(until, async () => {
    const seen = await ask(context, { name, timeoutMs: 5_000 })
    tookMs.push(seen.durationMs)
    if (dataOf(seen, 'A').join() !== ip)
      wrong.push(seen.kind === 'dns' ? `${seen.rcode} ${dataOf(seen, 'A').join()}` : seen.kind)
    await delay(askEveryMs, undefined, context)
  })
  return { tookMs, wrong }
}

async function mostMemory(
  context: CheckContext,
  until: Promise<unknown>,
  node: string,
): Promise<number> {
  let most = 0
  await meanwhile(until, async () => {
    most = Math.max(most, (await context.target.usage(node, context)).rssBytes)
    await delay(lookEveryMs, undefined, context)
  })
  return most
}

/** Does something again and again until a promise is settled, at least once. */
async function meanwhile(until: Promise<unknown>, work: () => Promise<void>): Promise<void> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  until.then(over, over)
  do await work()
  while (!isOver)
}
