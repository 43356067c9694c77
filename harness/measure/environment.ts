import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import type { EnvironmentInfo } from '../model/run-result.ts'

/** Programs whose version belongs to a result, and how each tells it. */
const tools: Readonly<Record<string, readonly string[]>> = {
  nginx: ['-v'],
  nft: ['--version'],
  ip: ['-V'],
  unshare: ['--version'],
}

/** The machine that a result was made on. */
export async function environment(): Promise<EnvironmentInfo> {
  const [os, governor, clocksource, virtualization, versions] = await Promise.all([
    osName(),
    oneLine('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'),
    oneLine('/sys/devices/system/clocksource/clocksource0/current_clocksource'),
    virtualizationHint(),
    toolVersions(),
  ])
  return {
    os,
    kernel: release(),
    arch: arch(),
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    memoryMib: Math.round(totalmem() / 1024 / 1024),
    ...(governor !== '' && { governor }),
    ...(clocksource !== '' && { clocksource }),
    ...(virtualization !== '' && { virtualization }),
    loadAverageAtStart: loadavg(),
    tools: { node: process.version, ...versions },
  }
}

async function osName(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^PRETTY_NAME="?([^"\n]+)/m.exec(text)?.[1] ?? process.platform
}

async function oneLine(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim()
}

async function virtualizationHint(): Promise<string> {
  const [vendor, cpu, container] = await Promise.all([
    oneLine('/sys/class/dmi/id/sys_vendor'),
    readFile('/proc/cpuinfo', 'utf8').catch(() => ''),
    oneLine('/run/systemd/container'),
  ])
  if (container !== '') return `container (${container})`
  if (!/^flags.*\bhypervisor\b/m.test(cpu)) return ''
  return vendor === '' ? 'virtual machine' : `virtual machine (${vendor})`
}

async function toolVersions(): Promise<Readonly<Record<string, string>>> {
  const found = await Promise.all(
    Object.entries(tools).map(async ([name, args]) => [name, await versionOf(name, args)] as const),
  )
  return Object.fromEntries(found.filter(([, version]) => version !== ''))
}

function versionOf(program: string, args: readonly string[]): Promise<string> {
  const PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
  return new Promise((resolve) => {
    execFile(
      program,
      [...args],
      { env: { ...process.env, PATH }, timeout: 5_000 },
      (error, stdout, stderr) => {
        resolve(error === null ? (`${stdout}${stderr}`.trim().split('\n')[0] ?? '') : '')
      },
    )
  })
}
