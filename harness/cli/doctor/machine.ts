import { readFile } from 'node:fs/promises'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { execute, which } from './execute.ts'
import type { Finding, Look } from './finding.ts'

const mib = 1024 * 1024

/** What a cluster of three nodes with a target and a load generator was seen to take, doubled. */
const wantedMemoryMib = 1_024

/** Sockets of a load generator, a proxy and a backend, with room. */
const wantedOpenFiles = 4_096

const oldestNode = [20, 19] as const

export const machineLooks: readonly Look[] = [
  lookAtNode,
  lookAtIptables,
  lookAtDocker,
  lookAtCpus,
  lookAtGovernor,
  lookAtMemory,
  lookAtOpenFiles,
  lookAtClock,
]

/** Those that concern measurements. */
export const measurementLooks: readonly Look[] = [
  lookAtCpus,
  lookAtGovernor,
  lookAtOpenFiles,
  lookAtClock,
]

async function lookAtNode(): Promise<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const fits = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  const common = { id: 'node', required: true, detail: `Node.js ${process.versions.node}` }
  if (fits) return { ...common, state: 'ok' }
  return {
    ...common,
    state: 'broken',
    costs: 'meshmark itself',
    cure: `install Node.js ${oldestNode.join('.')} or later`,
  }
}

async function lookAtIptables(): Promise<Finding> {
  const common = { id: 'iptables', required: false }
  const costs =
    "a node's rules are listed with nft alone; targets that write iptables rules cannot run"
  if (which('iptables') === undefined)
    return {
      ...common,
      state: 'missing',
      detail: 'not on PATH',
      costs,
      packageOf: 'iptables',
      cure: 'install iptables',
    }
  const { code, stdout, stderr } = await execute('iptables', ['--version'])
  if (code !== 0) return { ...common, state: 'broken', detail: stderr.trim(), costs }
  const backend = stdout.includes('nf_tables') ? 'nft' : 'legacy'
  return { ...common, state: 'ok', detail: `${stdout.trim()}: backend ${backend}` }
}

async function lookAtDocker(): Promise<Finding> {
  const common = { id: 'docker', required: false }
  const costs = 'providers kind and k3d'
  if (which('docker') === undefined)
    return {
      ...common,
      state: 'missing',
      detail: 'not on PATH',
      costs,
      cure: 'see https://docs.docker.com/engine/install/',
    }
  const { code, stdout, stderr } = await execute('docker', [
    'version',
    '--format',
    '{{.Server.Version}}',
  ])
  if (code !== 0 || stdout.trim() === '') {
    const [why = ''] = stderr.trim().split('\n')
    return {
      ...common,
      state: 'broken',
      detail: why,
      costs,
      cure: 'start the Docker engine: sudo systemctl start docker',
    }
  }
  return { ...common, state: 'ok', detail: `engine ${stdout.trim()}` }
}

async function lookAtCpus(): Promise<Finding> {
  const cpus = availableParallelism()
  const common = { id: 'cpus', required: false, detail: `${cpus} usable` }
  if (cpus >= 2) return { ...common, state: 'ok' }
  return {
    ...common,
    state: 'broken',
    costs: 'load generator and target share one CPU: benchmarks measure each other',
    cure: 'use a machine with two CPUs or more for benchmarks',
  }
}

async function lookAtGovernor(): Promise<Finding> {
  const path = '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'
  const governor = (await readFile(path, 'utf8').catch(() => '')).trim()
  const common = { id: 'cpu-governor', required: false }
  if (governor === '')
    return { ...common, state: 'ok', detail: 'not ours to choose here (no cpufreq)' }
  if (governor === 'performance') return { ...common, state: 'ok', detail: governor }
  return {
    ...common,
    state: 'broken',
    detail: governor,
    costs: 'clock speed follows the load: more noise in benchmarks',
    cure: 'sudo cpupower frequency-set -g performance',
  }
}

async function lookAtMemory(): Promise<Finding> {
  const meminfo = await readFile('/proc/meminfo', 'utf8').catch(() => '')
  const availableKib = Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? freemem() / 1024)
  const availableMib = Math.round(availableKib / 1024)
  const common = {
    id: 'memory',
    required: false,
    detail: `${availableMib} MiB available of ${Math.round(totalmem() / mib)}`,
  }
  if (availableMib >= wantedMemoryMib) return { ...common, state: 'ok' }
  return {
    ...common,
    state: 'broken',
    costs: `a cluster with three nodes wants ${wantedMemoryMib} MiB`,
    cure: 'stop something, or take fewer nodes',
  }
}

async function lookAtOpenFiles(): Promise<Finding> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1] ?? 'unknown'
  const common = { id: 'open-files', required: false, detail: `hard limit ${hard}` }
  if (hard === 'unlimited' || hard === 'unknown' || Number(hard) >= wantedOpenFiles)
    return { ...common, state: 'ok' }
  return {
    ...common,
    state: 'broken',
    costs: 'scenarios with many connections fail',
    cure: `raise it: ulimit -Hn ${wantedOpenFiles} (or LimitNOFILE= of the service)`,
  }
}

async function lookAtClock(): Promise<Finding> {
  const path = '/sys/devices/system/clocksource/clocksource0/current_clocksource'
  const source = (await readFile(path, 'utf8').catch(() => '')).trim()
  const common = { id: 'clock-source', required: false, detail: source === '' ? 'unknown' : source }
  if (source !== 'hpet' && source !== 'acpi_pm') return { ...common, state: 'ok' }
  return {
    ...common,
    state: 'broken',
    costs: 'reading the clock takes microseconds: latencies are blurred',
    cure: 'boot with clocksource=tsc, or use another machine',
  }
}
