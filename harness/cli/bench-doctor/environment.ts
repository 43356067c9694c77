import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { measurementLooks } from '../doctor/machine.ts'
import type { Finding } from '../doctor/finding.ts'
import { percent } from './check.ts'

/** How long the machine is watched while we do nothing. */
const watchMs = 1_500

/** So much of the CPUs may others use before we begin. */
const quietRatio = 0.05

/** What can be told of this machine that makes numbers bad. */
export async function environmentFindings(): Promise<readonly Finding[]> {
  const before = cpuTicks()
  await delay(watchMs)
  const spent = cpuTicks().map((value, index) => value - (before[index] ?? 0))
  const looks = await Promise.all(measurementLooks.map((look) => look()))
  const text = (path: string): string | undefined => {
    try {
      return readFileSync(path, 'utf8').trim()
    } catch {
      return undefined
    }
  }
  return [neighbours(spent), ...looks, ...kernelFindings(text)]
}

function cpuTicks(): readonly number[] {
  const [, ...numbers] = (/^cpu .*/m.exec(readFileSync('/proc/stat', 'utf8'))?.[0] ?? '').split(
    /\s+/,
  )
  return numbers.map(Number)
}

/** @param spent - ticks of all CPUs while we did nothing: user, nice, system, idle, iowait, irq, softirq, steal */
export function neighbours(spent: readonly number[]): Finding {
  const total = spent.slice(0, 8).reduce((sum, value) => sum + value, 0)
  const [, , , idle = 0, iowait = 0, , , steal = 0] = spent
  const busy = total === 0 ? 0 : (total - idle - iowait - steal) / total
  const stolen = total === 0 ? 0 : steal / total
  const detail = `others use ${percent(busy)} of the CPUs, the machine below takes ${percent(stolen)}`
  const common = { id: 'neighbours', required: false, detail }
  if (busy <= quietRatio && stolen <= quietRatio) return { ...common, state: 'ok' }
  return {
    ...common,
    state: 'broken',
    costs: 'our programs wait for a CPU: late schedules, refused trials, nothing can be told',
    cure: 'stop what runs beside (top shows it), or measure at another time',
  }
}

/** What the kernel's files say; those that are not there say nothing. */
export function kernelFindings(read: (path: string) => string | undefined): readonly Finding[] {
  return [pressure(read), quota(read), conntrack(read), ports(read), autogroup(read)].filter(
    (one) => one !== undefined,
  )
}

type Read = (path: string) => string | undefined

/** A tenth of the time in which something waited for a CPU moves every p90. */
const mostPressure = 10

function pressure(read: Read): Finding | undefined {
  const average = /^some avg10=([\d.]+)/m.exec(read('/proc/pressure/cpu') ?? '')?.[1]
  if (average === undefined) return undefined
  const common = {
    id: 'cpu-pressure',
    required: false,
    detail: `something waited for a CPU for ${average} % of the last 10 s`,
  }
  if (Number(average) <= mostPressure) return { ...common, state: 'ok' }
  return {
    ...common,
    state: 'broken',
    costs: 'tails (p90 and beyond) are those of the queue for a CPU',
  }
}

/** The group that this process is in, version 2 (cgroups(7)). */
function quota(read: Read): Finding | undefined {
  const group = /^0::(\S+)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1]
  if (group === undefined) return undefined
  const folder = `/sys/fs/cgroup${group === '/' ? '' : group}`
  const [limit, period] = (read(`${folder}/cpu.max`) ?? '').split(' ').map(Number)
  if (limit === undefined || period === undefined || Number.isNaN(limit)) return undefined
  const throttled = /^nr_throttled (\d+)/m.exec(read(`${folder}/cpu.stat`) ?? '')?.[1] ?? 'unknown'
  return {
    id: 'cpu-quota',
    required: false,
    state: 'broken',
    detail: `${(limit / period).toFixed(1)} CPUs, throttled ${throttled} times so far`,
    costs: 'who has used up its share waits for the next period: stalls of up to 0.1 s',
    cure: 'measure outside of the limited group',
  }
}

/** A table that is so full may drop what comes next. */
const fullRatio = 0.8

function conntrack(read: Read): Finding | undefined {
  const count = Number(read('/proc/sys/net/netfilter/nf_conntrack_count') ?? NaN)
  const most = Number(read('/proc/sys/net/netfilter/nf_conntrack_max') ?? NaN)
  if (Number.isNaN(count) || Number.isNaN(most)) return undefined
  const common = { id: 'conntrack', required: false, detail: `${count} of ${most} flows` }
  if (count < fullRatio * most) return { ...common, state: 'ok' }
  return {
    ...common,
    state: 'broken',
    costs: 'new connections and DNS queries are dropped',
    cure: `sysctl -w net.netfilter.nf_conntrack_max=${most * 4}`,
  }
}

/** A minute of new connections at a few hundred per second. */
const wantedPorts = 20_000

function ports(read: Read): Finding | undefined {
  const [first, last] = (read('/proc/sys/net/ipv4/ip_local_port_range') ?? '')
    .split(/\s+/)
    .map(Number)
  if (first === undefined || last === undefined) return undefined
  const common = {
    id: 'local-ports',
    required: false,
    detail: `${last - first + 1} (${first} to ${last})`,
  }
  if (last - first + 1 >= wantedPorts) return { ...common, state: 'ok' }
  return {
    ...common,
    state: 'broken',
    costs: 'many new connections find no port left',
    cure: 'sysctl -w net.ipv4.ip_local_port_range="1024 65535"',
  }
}

function autogroup(read: Read): Finding | undefined {
  const value = read('/proc/sys/kernel/sched_autogroup_enabled')
  if (value === undefined) return undefined
  const common = { id: 'autogroup', required: false }
  if (value !== '1') return { ...common, state: 'ok', detail: 'off' }
  return {
    ...common,
    state: 'ok',
    detail:
      "on: our generators' priority counts within this session alone, not against others (sched(7))",
  }
}
