import type { AbortOptions } from '../../model/abort.ts'
import type { Cluster } from '../../model/cluster.ts'
import { TargetError } from '../../model/errors.ts'
import type { ResourceUsage } from '../../model/target.ts'
import { runShell } from './shell.ts'

/** The kernel keeps this many characters of a program's name (proc(5), comm). */
const commLength = 15

/** A program by the name of its process; where others bear it, too (`node`), with one of its arguments. */
export type ProcessName = string | { readonly program: string; readonly argument: string }

/**
 * Shell lines that print the ids of the processes of this name on this node, in its own network namespace or below
 * somebody who is in it (pods). Where nodes share a process table (provider local) those of other nodes are left out.
 */
function pidsOf(process: ProcessName): string {
  const { program, argument = '' } = typeof process === 'string' ? { program: process } : process
  const comm = program.slice(0, commLength)
  const hasArgument =
    argument === ''
      ? ''
      : ` && tr '\\0' '\\n' 2>/dev/null <"$1/cmdline" | grep -qF -- ${quoted(argument)}`
  // why: a program that is being started is a copy of who starts it for a moment, a long one on a busy machine
  return `own=$(readlink /proc/self/ns/net); began=$(cut -d ' ' -f 1 /proc/uptime)
is() { [ "$(cat "$1/comm" 2>/dev/null)" = ${quoted(comm)} ]${hasArgument}; }
found=$(for dir in /proc/[0-9]*; do
  is "$dir" || continue
  at=\${dir#/proc/}
  for step in 1 2 3 4 5 6; do
    if [ "$(readlink "/proc/$at/ns/net" 2>/dev/null)" = "$own" ]; then echo "\${dir#/proc/}"; break; fi
    at=$(awk '/^PPid:/ { print $2 }' "/proc/$at/status" 2>/dev/null)
    [ "\${at:-0}" -gt 1 ] || break
  done
done)
for pid in $found; do
  parent=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
  case " $(echo $found) " in *" $parent "*) ${isYoung} && continue;; esac
  is "/proc/$pid" && echo "$pid"
done
true`
}

/**
 * Whether the process started less than a second before the look began, or later. Clock ticks of proc(5) are 100 a
 * second on every Linux.
 */
const isYoung = `awk -v began="$began" '{ sub(/^.*[)] /, ""); exit began - $20 / 100 >= 1 }' "/proc/$pid/stat" 2>/dev/null`

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function nameOf(process: ProcessName): string {
  return typeof process === 'string' ? process : `${process.program} ${process.argument}`
}

/** Ids of the processes of this name on a node, as its host position sees them. */
export async function pidsOn(
  cluster: Cluster,
  node: string,
  program: ProcessName,
  options: AbortOptions,
): Promise<readonly number[]> {
  const said = await runShell(cluster, { node, network: 'host' }, pidsOf(program), options)
  return said
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
}

/**
 * Sends a signal to every process of this name on a node.
 * @throws TargetError 'not-ready' when none runs there
 */
export async function signalPrograms(
  cluster: Cluster,
  node: string,
  program: ProcessName,
  how: 'term' | 'kill',
  options: AbortOptions,
): Promise<void> {
  const script = `pids=$(${pidsOf(program)}); [ -n "$pids" ] || { echo none; exit 0; }; kill -${how.toUpperCase()} $pids`
  const said = await runShell(cluster, { node, network: 'host' }, script, options)
  if (said.trim() === 'none')
    throw new TargetError('not-ready', `no ${nameOf(program)} runs on ${node}`)
}

/**
 * Runs a shell line for each process of this name on a node; `root` is where its files are seen from outside.
 * @throws TargetError 'not-ready' when none runs there
 */
export async function inProcess(
  cluster: Cluster,
  node: string,
  program: ProcessName,
  line: (root: string) => string,
  options: AbortOptions,
): Promise<void> {
  const script = `pids=$(${pidsOf(program)}); [ -n "$pids" ] || { echo none; exit 0; }
for pid in $pids; do ${line('/proc/$pid/root')}; done`
  const said = await runShell(cluster, { node, network: 'host' }, script, options)
  if (said.trim() === 'none')
    throw new TargetError('not-ready', `no ${nameOf(program)} runs on ${node}`)
}

/**
 * What the processes of these names use on a node, added up; those that do not run there count nothing.
 * @throws TargetError 'not-ready' when none of them runs
 */
export async function usageOf(
  cluster: Cluster,
  node: string,
  programs: readonly ProcessName[],
  options: AbortOptions,
): Promise<ResourceUsage> {
  const script = `for pid in $(${programs.map(pidsOf).join('\n')}); do
cat /proc/$pid/task/*/schedstat; echo; grep VmRSS /proc/$pid/status; ls /proc/$pid/fd | wc -l; echo =
done`
  const said = await runShell(cluster, { node, network: 'host' }, script, options)
  // why: one that has just ended, and a zombie, have no memory
  const blocks = said.split(/^=$/m).filter((block) => block.includes('VmRSS'))
  if (blocks.length === 0)
    throw new TargetError('not-ready', `none of ${programs.map(nameOf).join(', ')} runs on ${node}`)
  const sum = { cpuUs: 0, rssBytes: 0, openFiles: 0 }
  for (const block of blocks) {
    const one = parseUsage(block.trim())
    sum.cpuUs += one.cpuUs
    sum.rssBytes += one.rssBytes
    sum.openFiles += one.openFiles
  }
  return sum
}

/**
 * Reads what a process used: the lines of its threads' schedstat, whose first number is the time on a CPU in
 * nanoseconds, an empty line, VmRSS of its status, the number of its open files.
 * @throws TargetError 'unsupported' when it is something else
 */
export function parseUsage(text: string): ResourceUsage {
  const [threads = '', rest = ''] = text.split('\n\n')
  const cpuNs = threads
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.split(' ')[0]), 0)
  const rssKib = Number(/VmRSS:\s+(\d+) kB/.exec(rest)?.[1])
  const openFiles = Number(rest.trim().split('\n').at(-1))
  if (![cpuNs, rssKib, openFiles].every(Number.isFinite))
    throw new TargetError('unsupported', `the usage of the agent cannot be read from: ${text}`)
  return { cpuUs: cpuNs / 1000, rssBytes: rssKib * 1024, openFiles }
}
