import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { k6Command, k6Opinion } from '../../load/k6.ts'
import { median } from '../../measure/quantile.ts'
import type { AbortOptions } from '../../model/abort.ts'
import { LoadError } from '../../model/errors.ts'
import { searchPath, which } from '../doctor/execute.ts'
import { installHint } from '../doctor/packages.ts'
import { packageDirectory } from '../package.ts'
import { connections, type Kind, questionName, type Stage } from './stage.ts'

/** What another load generator saw. */
export interface Reading {
  readonly rps: number
  readonly requests: number
  /** Absent where the tool does not tell it. */
  readonly p50Us?: number
  /** Of the tool and its threads, user and system. */
  readonly cpuUs: number
  /** What it says that speaks against it. */
  readonly troubles: readonly string[]
}

export interface ToolJob extends AbortOptions {
  readonly port: number
  /** Whole seconds. */
  readonly seconds: number
  /** Where it may write; removed afterwards. */
  readonly folder: string
}

/** Another load generator, closed loop with as many clients as ours. */
export interface Tool {
  readonly name: string
  readonly kind: Kind
  readonly cure: () => string
  readonly command: (job: ToolJob) => readonly string[]
  /** @param said - stdout and stderr */
  readonly read: (said: string, job: ToolJob) => Promise<Omit<Reading, 'cpuUs'>>
}

export const wrk: Tool = {
  name: 'wrk',
  kind: 'http',
  cure: () => installHint('wrk'),
  command: ({ port, seconds }) => [
    ...['wrk', '--latency', '-t1', `-c${connections}`, `-d${seconds}s`],
    `http://127.0.0.1:${port}/`,
  ],
  read: (said) => Promise.resolve(wrkReading(said)),
}

export function wrkReading(said: string): Omit<Reading, 'cpuUs'> {
  const unitUs: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6 }
  const [, value = '', unit = ''] = /50%\s+([\d.]+)(us|ms|s)\b/.exec(said) ?? []
  return {
    rps: numberIn(said, /Requests\/sec:\s+([\d.]+)/),
    requests: numberIn(said, /(\d+) requests in/),
    p50Us: Number(value) * (unitUs[unit] ?? NaN),
    troubles: said.match(/^\s*(Non-2xx|Socket errors).*$/gm)?.map((line) => line.trim()) ?? [],
  }
}

export const h2load: Tool = {
  name: 'h2load',
  kind: 'http',
  cure: () => installHint('nghttp2-client'),
  command: ({ port, seconds, folder }) => [
    ...['h2load', '--h1', '-t1', `-c${connections}`, `-D${seconds}`],
    ...[`--log-file=${join(folder, 'h2load.log')}`, `http://127.0.0.1:${port}/`],
  ],
  read: async (said, { folder }) =>
    h2loadReading(said, await readFile(join(folder, 'h2load.log'), 'utf8')),
}

/** @param log - a line per request: start, status, microseconds (h2load(1), --log-file) */
export function h2loadReading(said: string, log: string): Omit<Reading, 'cpuUs'> {
  const timesUs = log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.split('\t')[2]))
  const bad = /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(said)
  const failed = bad?.slice(1).reduce((sum, count) => sum + Number(count), 0) ?? 0
  return {
    rps: numberIn(said, /finished in [\d.]+\w*, ([\d.]+) req\/s/),
    requests: numberIn(said, /requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded/),
    ...(timesUs.length > 0 && { p50Us: median(timesUs) }),
    troubles: failed > 0 ? [`h2load says that ${failed} requests failed`] : [],
  }
}

export const dnsperf: Tool = {
  name: 'dnsperf',
  kind: 'dns',
  cure: () => installHint('dnsperf'),
  command: ({ port, seconds, folder }) => [
    ...['dnsperf', '-v', '-s', '127.0.0.1', '-p', String(port), '-d', join(folder, 'questions')],
    ...['-l', String(seconds), '-c', '8', '-T', '1', '-q', String(connections)],
  ],
  read: (said) => Promise.resolve(dnsperfReading(said)),
}

export function dnsperfReading(said: string): Omit<Reading, 'cpuUs'> {
  const timesUs = [...said.matchAll(/^> NOERROR \S+ \S+ ([\d.]+)$/gm)].map(
    ([, seconds]) => Number(seconds) * 1e6,
  )
  const lost = numberIn(said, /Queries lost:\s+(\d+)/)
  return {
    rps: numberIn(said, /Queries per second:\s+([\d.]+)/),
    requests: numberIn(said, /Queries completed:\s+(\d+)/),
    ...(timesUs.length > 0 && { p50Us: median(timesUs) }),
    troubles: lost > 0 ? [`dnsperf lost ${lost} queries`] : [],
  }
}

/** The same, as fast as it can: it prints nothing per query. */
export const dnsperfQuiet: Tool = {
  ...dnsperf,
  command: (job) => dnsperf.command(job).filter((word) => word !== '-v'),
}

export const k6Cure = 'see https://grafana.com/docs/k6/latest/set-up/install-k6/'

export function isThere({ name }: Pick<Tool, 'name'>): boolean {
  return which(name) !== undefined
}

/**
 * Runs a tool where our generator stands.
 * @throws LoadError 'program-failed' with what it said
 */
export async function runTool(
  tool: Tool,
  stage: Stage,
  job: Omit<ToolJob, 'folder'>,
): Promise<Reading> {
  const folder = await mkdtemp(join(tmpdir(), 'meshmark-tool-'))
  try {
    await writeFile(join(folder, 'questions'), `${questionName} A\n`)
    const whole = { ...job, folder }
    const { said, cpuUs } = await timed([...stage.asGenerator, ...tool.command(whole)], job)
    return { ...(await tool.read(said, whole)), cpuUs }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export interface K6Ask extends AbortOptions {
  readonly url: string
  readonly rateRps: number
  readonly seconds: number
  readonly sha256: string
}

/** k6, open loop at a rate. @throws LoadError when it did not run to its end */
export async function runK6(
  stage: Stage,
  { signal, ...ask }: K6Ask,
): Promise<ReturnType<typeof k6Opinion>> {
  const script = join(packageDirectory, 'scenarios', 'k6', 'service-http.ts')
  const version = await run(['k6', 'version'], { signal })
  const ended = await run([...stage.asGenerator, ...k6Command({ ...ask, script })], { signal })
  return k6Opinion(ask, [{ node: 'this machine', version: version.stdout, ended }])
}

/** Runs a program and says what CPU time it took; bash measures it with all its threads. */
async function timed(
  command: readonly string[],
  options: AbortOptions,
): Promise<{ readonly said: string; readonly cpuUs: number }> {
  const script = `TIMEFORMAT='meshmark-cpu %U %S'; time "$@"`
  const { stdout, stderr, exitCode } = await run(
    ['bash', '-c', script, 'bash', ...command],
    options,
  )
  const said = `${stdout}\n${stderr}`
  if (exitCode !== 0)
    throw new LoadError('program-failed', `${command.join(' ')} failed: ${said.trim().slice(-500)}`)
  const [, user, system] = /^meshmark-cpu ([\d.]+) ([\d.]+)$/m.exec(stderr) ?? []
  return { said, cpuUs: (Number(user) + Number(system)) * 1e6 }
}

interface Ended {
  readonly exitCode?: number
  readonly stdout: string
  readonly stderr: string
}

/** Longer than any of our jobs. */
const longestMs = 60_000

function run([program = '', ...args]: readonly string[], { signal }: AbortOptions): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      {
        signal,
        timeout: longestMs,
        maxBuffer: 256 * 1024 * 1024,
        env: { ...process.env, PATH: searchPath(), LC_ALL: 'C' },
      },
      (error, stdout, stderr) => {
        const exitCode =
          error === null ? 0 : typeof error.code === 'number' ? error.code : undefined
        resolve({
          ...(exitCode !== undefined && { exitCode }),
          stdout,
          stderr: stderr === '' && error !== null ? error.message : stderr,
        })
      },
    )
  })
}

/** @throws LoadError with the end of the text when the number is not there */
function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1]
  if (found === undefined)
    throw new LoadError('program-failed', `no ${String(pattern)} in: ${text.trim().slice(-500)}`)
  return Number(found)
}
