/**
 * Queries per second of the agent's name server against dnsmasq's: the same names, the same client (dnsperf), in turn
 * on one machine, in network namespaces of their own. The agent is the whole process as it runs on a node.
 *
 *   npm run build && node dist/reference-impl/dns/bench-dns.js [rounds] [seconds per trial]
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { askOverUdp, question, summary } from '../testing/dns-client.ts'
import { startAgent } from '../testing/agent-process.ts'
import { ApiDouble, paths, serviceObject, smallCluster } from '../testing/api-double.ts'
import { eventually } from '../testing/eventually.ts'

const mark = 'MESHMARK_BENCH_SANDBOX'
const names = Array.from({ length: 200 }, (_, i) => `web${i}.default.svc.cluster.local`)
const arms = { agent: '127.0.0.1', dnsmasq: '127.0.0.2' } as const

type Arm = keyof typeof arms

if (process.env[mark] === undefined) enterSandbox()
else await bench(Number(process.argv[2] ?? 7), Number(process.argv[3] ?? 3))

function enterSandbox(): void {
  const flags = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child']
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const self = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  execFileSync('unshare', [...user, ...flags, ...self], {
    stdio: 'inherit',
    env: { ...process.env, [mark]: '1' },
  })
}

async function bench(rounds: number, seconds: number): Promise<void> {
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  const folder = mkdtempSync(join(tmpdir(), 'meshmark-bench-'))
  const queries = join(folder, 'queries')
  writeFileSync(queries, names.map((name) => `${name} A\n`).join(''))
  const stops = [await startOurs(), await startDnsmasq(folder)]
  try {
    for (const arm of ['agent', 'dnsmasq'] as const) await check(arm)
    console.log(
      `${names.length} names, A, UDP on loopback, dnsperf with 4 sockets and 100 queries in flight, ${rounds} pairs of ${seconds} s, ${cpus().length} CPUs`,
    )
    for (const arm of ['agent', 'dnsmasq'] as const) trial(arm, queries, 1)
    const pairs = Array.from({ length: rounds }, () => pair(queries, seconds))
    report(pairs)
  } finally {
    for (const stop of stops) stop()
    rmSync(folder, { recursive: true })
  }
}

async function startOurs(): Promise<() => void> {
  const api = new ApiDouble()
  smallCluster(api)
  names.forEach((name, i) => {
    api.put(paths.services, serviceObject(name.split('.')[0] ?? '', `10.96.1.${i}`))
  })
  const server = await api.listen()
  const agent = startAgent(
    [`--server=${server}`, `--dns-address=${arms.agent}`, '--proxy-mode=off'],
    { NODE_NAME: 'edge-node-a' },
  )
  await agent.ready()
  return () => {
    agent.process.kill('SIGKILL')
    void api.close()
  }
}

/** With the names as host records: they lie in its cache, its fastest place. */
async function startDnsmasq(folder: string): Promise<() => void> {
  const config = join(folder, 'dnsmasq.conf')
  writeFileSync(
    config,
    [
      `listen-address=${arms.dnsmasq}`,
      'bind-interfaces',
      'no-resolv',
      'no-hosts',
      'local=/cluster.local/',
      'cache-size=10000',
      'user=root',
      'pid-file=',
      ...names.map((name, i) => `host-record=${name},10.96.1.${i}`),
      '',
    ].join('\n'),
  )
  const child: ChildProcess = spawn('dnsmasq', ['--keep-in-foreground', `--conf-file=${config}`], {
    stdio: 'inherit',
  })
  await eventually(async () => check('dnsmasq'))
  return () => child.kill('SIGKILL')
}

/** Both must say the same before anything is measured. */
async function check(arm: Arm): Promise<void> {
  const name = names[7] ?? ''
  const said = summary(
    await askOverUdp(question(name), { address: arms[arm], port: 53, timeoutMs: 500 }),
  )
  if (said.join() !== `NOERROR,${name} A 10.96.1.7`) throw new Error(`${arm} says ${said.join()}`)
}

interface Pair {
  readonly agent: number
  readonly dnsmasq: number
}

/** The order is drawn, so that drift of the machine favours nobody. */
function pair(queries: string, seconds: number): Pair {
  const agentFirst = Math.random() < 0.5
  const first = trial(agentFirst ? 'agent' : 'dnsmasq', queries, seconds)
  const second = trial(agentFirst ? 'dnsmasq' : 'agent', queries, seconds)
  const [agent, dnsmasq] = agentFirst ? [first, second] : [second, first]
  console.log(
    `  agent ${agent.toFixed(0).padStart(7)} q/s   dnsmasq ${dnsmasq.toFixed(0).padStart(7)} q/s   ratio ${(agent / dnsmasq).toFixed(2)}`,
  )
  return { agent, dnsmasq }
}

function trial(arm: Arm, queries: string, seconds: number): number {
  const out = execFileSync(
    'dnsperf',
    ['-s', arms[arm], '-d', queries, '-l', String(seconds), '-c', '4', '-q', '100'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const rate = Number(/Queries per second:\s+([\d.]+)/.exec(out)?.[1])
  const lost = Number(/Queries lost:\s+(\d+)/.exec(out)?.[1])
  const wrong = !/Response codes:\s+NOERROR \d+ \(100\.00%\)/.test(out)
  if (!Number.isFinite(rate) || lost > 0 || wrong)
    throw new Error(`this trial of ${arm} counts for nothing:\n${out}`)
  return rate
}

function report(pairs: readonly Pair[]): void {
  const ratios = pairs.map(({ agent, dnsmasq }) => agent / dnsmasq)
  const line = (label: string, values: readonly number[], digits: number): void => {
    const sorted = [...values].sort((a, b) => a - b)
    const at = (share: number): string =>
      (sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN).toFixed(digits)
    console.log(
      `${label}: median ${at(0.5)}, quartiles ${at(0.25)} to ${at(0.75)}, range ${at(0)} to ${at(1)}`,
    )
  }
  line(
    'agent, q/s',
    pairs.map(({ agent }) => agent),
    0,
  )
  line(
    'dnsmasq, q/s',
    pairs.map(({ dnsmasq }) => dnsmasq),
    0,
  )
  line('ratio agent to dnsmasq', ratios, 2)
}
