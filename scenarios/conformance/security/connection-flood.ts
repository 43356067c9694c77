import type { Assessment, Check, CheckContext, KubeObject } from '../../../harness/api.ts'
import { eventually } from '../../eventually.ts'
import { ownPods } from '../l4/own-pods.ts'
import { clusterIpOf, type PodFacts, podsOf } from '../support/cluster-facts.ts'
import { request } from '../support/connect.ts'
import { Judgement, skipped } from '../support/judgement.ts'
import { backendPod, everyPort, ports, service } from '../support/objects.ts'
import { inPod } from '../support/positions.ts'
import { quantile } from '../support/quantile.ts'
import { restartsOfOthers, startedAgain } from '../support/restarts.ts'
import { changedNode, onNode } from '../support/shell.ts'
import { backends } from './backends.fixture.ts'
import { isServed } from './served.ts'

const [halfOpen, idle] = [10_000, 2_000] as const

/** What the node's kernel has to be able to follow: the flood on both sides of a proxy, and the rest. */
const leastTracked = 65_536

/** How long a pod may take to start all of its connections. */
const startedMs = 60_000

/** Requests to each address in a round; each on a connection of its own. */
const perRound = 300

/** The median of so many rounds is judged: a pause of the machine falls into one of them. */
const rounds = 5

/** Bounds a round; where connections time out it says nothing. */
const roundMs = 60_000

/** Port at which the programs of the flood tell how far they are. */
const tellsAt = 9_000

const table = 'meshmark_half_open'

/** Opens connections when it is told where to, and does nothing with them; tells how many it began and what became of them. */
const holder = `
const { connect } = require('node:net')
const [count, ...ports] = process.argv.slice(1)
let host = ''
const state = { begun: 0, opened: 0, failed: {} }
const kept = []
const begin = () => {
  for (let turn = 0; turn < 100 && state.begun < Number(count); turn += 1) {
    const socket = connect(Number(ports[state.begun % ports.length]), host)
    socket.on('connect', () => (state.opened += 1))
    socket.on('error', ({ code }) => (state.failed[code] = (state.failed[code] ?? 0) + 1))
    kept.push(socket)
    state.begun += 1
  }
  if (state.begun < Number(count)) setTimeout(begin, 20)
}
require('node:http').createServer((request, response) => {
  const [path, address] = request.url.split('?')
  if (path === '/begin') {
    host = address
    begin()
  }
  response.end(JSON.stringify(state))
}).listen(${tellsAt})
`

/** Asks each URL in turn, on new connections, and prints how long each took; a failure is told in words. */
const asker = `
const http = require('node:http')
const [count, ...urls] = process.argv.slice(1)
const ask = (url) => new Promise((resolve) => {
  const began = performance.now()
  const failed = (error) => resolve(error.code ?? error.message)
  const asked = http.get(url, { agent: false, timeout: 10000 }, (answer) => {
    if (answer.headers['x-pod'] === undefined) resolve('HTTP ' + answer.statusCode)
    answer.on('error', failed).on('end', () => resolve(performance.now() - began)).resume()
  })
  asked.on('error', failed).on('timeout', () => asked.destroy(new Error('timed-out')))
})
const all = async () => {
  const seen = urls.map(() => [])
  for (let turn = 0; turn < Number(count); turn += 1)
    for (const [index, url] of urls.entries()) seen[index].push(await ask(url))
  console.log(JSON.stringify(seen))
}
all()
`

export const connectionFlood: readonly Check[] = [
  {
    requirement: 'SEC-DOS-001',
    sends: `${halfOpen} connections to http-0 and tcp-0 of a Service whose SYN-ACKs never reach the client, and ${idle} to http-0 that send nothing; beside them, before and meanwhile, requests to the ports http-0 and raw of another Service and straight to its pod, in turn`,
    expects:
      'none beside fails; its 99th percentile is at most the bound times what it was before, or what the straight way takes meanwhile; nothing starts again',
    capabilities: ['node-access'],
    fixtures: [backends],
    timeoutMs: 360_000,
    run: async (context) => {
      const judgement = new Judgement()
      if (!(await isServed(context, judgement, 0))) return judgement.assessment('')
      const tracked = Number(
        await onNode(context, 0, 'cat /proc/sys/net/netfilter/nf_conntrack_max'),
      )
      if (tracked < leastTracked)
        return skipped(`the node follows ${tracked} connections at most (nf_conntrack_max)`)
      return besideFlood(context, judgement)
    },
  },
]

async function besideFlood(context: CheckContext, judgement: Judgement): Promise<Assessment> {
  const pods = await ownPods(context, [
    backendPod({
      name: 'flooded',
      image: context.backendImage,
      node: context.nodes[1]?.name ?? '',
    }),
    service('flooded', everyPort),
    ...holdingPods(context),
  ])
  const fixture = context.fixture(backends)
  const web = await clusterIpOf(context, fixture, 'web')
  const [pod] = await podsOf(context, fixture, 'app=web')
  if (pod === undefined) throw new Error('the fixture has no pod')
  const urls = [`http://${web}/`, `http://${web}:84/`, `http://${pod.ip}:${ports.http}/`]
  const restarts = await restartsOfOthers(context)
  const before = await asked(context, urls)
  const told = await flood(context, pods)
  const during = await asked(context, urls)
  const [, , straight = Infinity] = during.p99
  for (const [index, port] of ['http-0', 'raw'].entries())
    judgement.atMost(
      `99th percentile of ${port}`,
      context.threshold('p99Ratio') * Math.max(before.p99[index] ?? 0, straight),
      during.p99[index] ?? Infinity,
    )
  judgement
    .set('failures beside', [], new Set([...before.failures, ...during.failures]))
    .set('pods started again', [], startedAgain(restarts, await restartsOfOthers(context)))
  return judgement.assessment(
    `${told}; 99th percentiles of http-0, raw and the straight way: ${inMs(before.p99)} before, ${inMs(during.p99)} meanwhile`,
  )
}

function inMs(values: readonly number[]): string {
  return values.map((value) => `${value.toFixed(1)} ms`).join(', ')
}

/** `half-open` and `idle`, on the first edge node. */
function holdingPods(context: CheckContext): readonly KubeObject[] {
  const pod = (name: string, count: number, to: readonly number[]): KubeObject =>
    backendPod({
      name,
      image: context.backendImage,
      node: context.nodes[0]?.name ?? '',
      container: {
        // why: each connection is an open file, and the usual limit is 1024
        command: ['sh', '-c', 'ulimit -n $(ulimit -H -n) && exec node -e "$0" "$@"', holder],
        args: [String(count), ...to.map(String)],
        readinessProbe: { httpGet: { path: '/', port: tellsAt }, periodSeconds: 1 },
      },
    })
  return [pod('half-open', halfOpen, [80, 81]), pod('idle', idle, [80])]
}

interface Held {
  readonly begun: number
  readonly opened: number
  /** By the operating system's code. */
  readonly failed: Readonly<Record<string, number>>
}

/** @returns what is held open, in words. @throws Error when it is not the flood that the row asks for */
async function flood(context: CheckContext, pods: readonly PodFacts[]): Promise<string> {
  const [half, quiet] = ['half-open', 'idle'].map((name) => pods.find((pod) => pod.name === name))
  if (half === undefined || quiet === undefined) throw new Error('a pod of the flood is missing')
  const host = await clusterIpOf(context, context.namespace, 'flooded')
  const lost = await synAcksLost(context, half.ip)
  const opened = await held(
    context,
    quiet,
    host,
    ({ opened, failed }) => opened + sum(failed) >= idle,
  )
  const begun = await held(context, half, host, ({ begun }) => begun >= halfOpen)
  const synAcks = await lost()
  for (const { failed } of [opened, begun])
    if ('EMFILE' in failed) throw new Error(`a pod may not open as many files as it should`)
  if (synAcks === 0) throw new Error('no SYN-ACK was met on its way: nothing is half-open')
  return `${opened.opened} idle (${JSON.stringify(opened.failed)} failed), ${begun.begun} half-open (${begun.opened} opened, ${JSON.stringify(begun.failed)} failed; ${synAcks} SYN-ACKs lost)`
}

function sum(counts: Held['failed']): number {
  return Object.values(counts).reduce((all, count) => all + count, 0)
}

/** Tells a pod of the flood to begin at an address, and waits until it has done what it can. */
async function held(
  context: CheckContext,
  { name, ip }: PodFacts,
  host: string,
  isDone: (state: Held) => boolean,
): Promise<Held> {
  const state = async (path: string): Promise<Held> => {
    const seen = await request(context, inPod(context, 1), `http://${ip}:${tellsAt}${path}`)
    if (seen.kind !== 'http') throw new Error(`the pod ${name} does not tell: ${seen.kind}`)
    return JSON.parse(seen.body) as Held
  }
  await state(`/begin?${host}`)
  const { accepted, seen } = await eventually(() => state('/'), isDone, {
    withinMs: startedMs,
    everyMs: 200,
    signal: context.signal,
  })
  if (!accepted)
    throw new Error(`the pod ${name} is at ${JSON.stringify(seen)} after ${startedMs} ms`)
  return seen
}

/** From now on SYN-ACKs to a pod of the first edge node do not reach it. @returns how many were lost so far */
async function synAcksLost(context: CheckContext, ip: string): Promise<() => Promise<number>> {
  // why: the last hook, which packets of other nodes and pods pass as well as those of a proxy on the node
  const rules = `table ip ${table} {
  chain out {
    type filter hook postrouting priority 300; policy accept;
    ip daddr ${ip} tcp flags & (syn | ack) == syn | ack counter drop
  }
}`
  await changedNode(context, 0, {
    todo: `nft delete table ip ${table} 2>/dev/null || true
printf '%s' '${rules}' | nft -f -`,
    undo: `nft delete table ip ${table}`,
  })
  return async () => {
    const listed = await onNode(context, 0, `nft list table ip ${table}`)
    const packets = /counter packets (\d+)/.exec(listed)?.[1]
    if (packets === undefined) throw new Error(`no counter in: ${listed}`)
    return Number(packets)
  }
}

/** The median over the rounds of the 99th percentile of each URL, asked in turn from a pod, and what failed. */
async function asked(
  context: CheckContext,
  urls: readonly string[],
): Promise<{ readonly p99: readonly number[]; readonly failures: readonly string[] }> {
  const probe = await context.probe(inPod(context))
  const inRounds: number[][] = urls.map(() => [])
  const failures: string[] = []
  for (let round = 0; round < rounds; round += 1) {
    const argv = ['node', '-e', asker, String(perRound), ...urls] as const
    const seen = await probe.run({ kind: 'command', argv: [...argv], timeoutMs: roundMs }, context)
    if (seen.kind !== 'exited' || seen.code !== 0)
      throw new Error(`asking: ${seen.kind === 'exited' ? seen.stderr : seen.kind}`)
    const answers = JSON.parse(seen.stdout) as readonly (readonly (number | string)[])[]
    for (const [index, all] of answers.entries()) {
      const took = all.filter((one): one is number => typeof one === 'number')
      inRounds[index]?.push(quantile(took, 0.99))
      failures.push(...all.filter((one): one is string => typeof one === 'string'))
    }
  }
  return { p99: inRounds.map((values) => quantile(values, 0.5)), failures }
}
