import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster, Position, SpawnOptions } from '../../model/cluster.ts'
import { pidsOn } from '../../targets/shared/processes.ts'
import { runShell } from '../../targets/shared/shell.ts'
import { outputOf } from '../cluster-contract.ts'
import { backendNode, client, clientNode } from './scene.ts'

/** What dnsperf writes, at the client. */
const answers = '/tmp/meshmark-dnsperf.out'

/** A full socket buffer drops a few queries of a server under all the load that it can take (dnsmasq: 7 of 144 633). */
const mostLostRatio = 0.001

/** Seconds of one measurement. */
const windowSeconds = 2

export interface HttpLoad {
  readonly url: string
  readonly connections: number
  /** A connection per request. */
  readonly closing?: boolean
  /** Where wrk runs; anywhere when absent. */
  readonly cpus?: readonly number[]
}

/** What wrk saw: requests per second, quantiles in microseconds, its own share of a core. */
export interface HttpReading {
  readonly rps: number
  readonly requests: number
  readonly p50Us: number
  readonly p99Us: number
  readonly wrkCpuUs: number
}

/**
 * Closed loop from the client's pod, one thread.
 * @throws Error when a request failed
 */
export async function wrk(
  cluster: Cluster,
  { url, connections, closing = false, cpus }: HttpLoad,
  options: AbortOptions,
): Promise<HttpReading> {
  const close = closing ? "-H 'Connection: close'" : ''
  const command = `wrk --latency -t1 -c${connections} -d${windowSeconds}s ${close} ${url}`
  const said = await timed(cluster, client, command, {
    ...options,
    ...(cpus !== undefined && { cpus }),
  })
  if (/Non-2xx|Socket errors/.test(said)) throw new Error(`${url}: requests failed:\n${said}`)
  return {
    rps: numberIn(said, /Requests\/sec:\s+([\d.]+)/),
    requests: numberIn(said, /(\d+) requests in/),
    p50Us: microseconds(said, /50%\s+([\d.]+)(us|ms|s)/),
    p99Us: microseconds(said, /99%\s+([\d.]+)(us|ms|s)/),
    wrkCpuUs: cpuUs(said),
  }
}

export interface DnsLoad {
  readonly address: string
  readonly port: number
  /** File with the questions, at the client. */
  readonly questions: string
  /** Queries per second; as many as it can when absent. */
  readonly rate?: number
}

export interface DnsReading {
  readonly qps: number
  readonly queries: number
  readonly lost: number
  readonly p50Us: number
  readonly p99Us: number
  readonly dnsperfCpuUs: number
}

/**
 * Queries over UDP from the client's pod: 8 sockets, at most 200 queries under way.
 * @throws Error when a query had another answer than NOERROR, or too many had none
 */
export async function dnsperf(
  cluster: Cluster,
  { address, port, questions, rate }: DnsLoad,
  options: AbortOptions,
): Promise<DnsReading> {
  const limit = rate === undefined ? '' : `-Q ${Math.round(rate)}`
  // why: every answer's time goes into a file, so that nobody reads it while the load runs
  const command = `dnsperf -v -s ${address} -p ${port} -d ${questions} -l ${windowSeconds} -c 8 -q 200 ${limit}`
  const said = await timed(cluster, client, `${command} > ${answers}`, options, [
    `grep -v '^>' ${answers}`,
    `awk '$1 == ">" { print "time " $NF }' ${answers} | sort -n -k 2 | awk '{ all[NR] = $2 } END { print "p50 " all[int(NR * 0.5) + 1]; print "p99 " all[int(NR * 0.99) + 1] }'`,
  ])
  const lost = numberIn(said, /Queries lost:\s+(\d+)/)
  const queries = numberIn(said, /Queries completed:\s+(\d+)/)
  const areRight = /Response codes:\s+NOERROR \d+ \(100\.00%\)/.test(said)
  if (!areRight || lost > queries * mostLostRatio)
    throw new Error(`${address}:${port}: queries failed:\n${said}`)
  return {
    qps: numberIn(said, /Queries per second:\s+([\d.]+)/),
    queries,
    lost,
    p50Us: numberIn(said, /^p50 ([\d.]+)/m) * 1e6,
    p99Us: numberIn(said, /^p99 ([\d.]+)/m) * 1e6,
    dnsperfCpuUs: cpuUs(said),
  }
}

/**
 * Lets a client open connections as fast as it likes: ports and flows of closed ones are soon free again, at both
 * ends and on the nodes between. Without it a SYN meets the TIME_WAIT of an earlier connection and is sent again a
 * second later.
 */
export async function forgetClosedConnections(
  cluster: Cluster,
  options: AbortOptions,
): Promise<void> {
  const forget = 'sysctl -qw net.ipv4.tcp_max_tw_buckets=64'
  const forgetFlows = 'sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_time_wait=1'
  await runShell(cluster, client, forget, options)
  for (const at of [clientNode, backendNode])
    await runShell(cluster, at, `${forget}; ${forgetFlows}`, options)
  for (const pid of await pidsOn(cluster, backendNode.node, 'nginx', options))
    await runShell(cluster, backendNode, `nsenter -t ${pid} -n ${forget}`, options)
}

/** Runs a program, and others after it, and says what CPU time the first one took. */
async function timed(
  cluster: Cluster,
  at: Position,
  command: string,
  options: SpawnOptions,
  after: readonly string[] = [],
): Promise<string> {
  const script = [`TIMEFORMAT='cpu %U %S'`, `{ time ${command}; } 2>&1`, ...after].join('\n')
  await using channel = await cluster.spawn(at, 'shell', {
    ...options,
    args: ['bash', '-c', script],
  })
  channel.end()
  return await outputOf(channel)
}

function cpuUs(said: string): number {
  return (numberIn(said, /^cpu ([\d.]+)/m) + numberIn(said, /^cpu \S+ ([\d.]+)/m)) * 1e6
}

const microsecondsIn: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6 }

function microseconds(said: string, pattern: RegExp): number {
  const [, , unit = ''] = pattern.exec(said) ?? []
  return numberIn(said, pattern) * (microsecondsIn[unit] ?? NaN)
}

/** @throws Error with the whole text when the number is not there */
function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`no ${String(pattern)} in:\n${text}`)
  return Number(found)
}
