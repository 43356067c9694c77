import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** What of the host a run must never change: links, addresses, routes, rules, named namespaces, mounts, cgroups. */
export function hostState(): Readonly<Record<string, string>> {
  return {
    links: withoutCounters(run('ip', ['-o', 'addr'])),
    routes: run('ip', ['route', 'show', 'table', 'all']),
    ruleset: withoutCounters(run('nft', ['list', 'ruleset'])),
    iptables: run('iptables-save', [])
      .replaceAll(/^#.*$/gm, '')
      .replaceAll(/\[\d+:\d+\]/g, ''),
    'named namespaces': names('/run/netns'),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    cgroups: readFileSync('/proc/self/cgroup', 'utf8'),
    'resolv.conf': read('/etc/resolv.conf'),
    hosts: read('/etc/hosts'),
  }
}

/** Command lines of processes that mention a text, without ourselves. */
export function processesThatMention(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim())
    .filter((line) => line.includes(text))
}

/** Address lifetimes count down and packet counters up by themselves. */
function withoutCounters(text: string): string {
  return text
    .replaceAll(/valid_lft \S+ preferred_lft \S+/g, '')
    .replaceAll(/packets \d+ bytes \d+/g, '')
}

function run(program: string, args: readonly string[]): string {
  try {
    const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`
    return execFileSync(program, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, PATH },
    })
  } catch {
    return '(not to be had)'
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function names(path: string): string {
  try {
    return readdirSync(path).sort().join(' ')
  } catch {
    return ''
  }
}
