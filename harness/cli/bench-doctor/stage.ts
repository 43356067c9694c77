import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { KnownBehaviour } from '../../load/known/known-server.ts'
import { connectLoad } from '../../load/client.ts'
import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError } from '../../model/errors.ts'
import type { LoadJob, LoadProfile, LoadResult, LoadTarget } from '../../model/load.ts'
import { ResourceStack } from '../../model/resource-stack.ts'
import { type ChildChannel, childChannel } from '../child-channel.ts'
import { which } from '../doctor/execute.ts'
import type { Disturbance } from './check.ts'
import { watchDisturbance } from './disturbance.ts'

/** What our generators ask for: a page on kept connections, a page on a new one each, a name. */
export const kinds = ['http', 'http-connect', 'dns'] as const

export type Kind = (typeof kinds)[number]

export const kindTitles: Readonly<Record<Kind, string>> = {
  http: 'HTTP',
  'http-connect': 'new connection',
  dns: 'DNS',
}

/** Everything on this machine's loopback: a load program as every trial has it, and servers of known behaviour. */
export interface Stage extends AsyncDisposable {
  readonly generatorPid: number
  /** Which CPUs generator and servers have to themselves; absent where there is only one, or no taskset. */
  readonly cpus?: { readonly generator: number; readonly server: number }
  /** The words that put another program where the generator stands. */
  readonly asGenerator: readonly string[]
  serve(behaviour: Partial<KnownBehaviour> & { readonly for: Kind }): Promise<Served>
  run(job: LoadJob, options: StageRunOptions): Promise<LoadResult>
}

export interface StageRunOptions extends AbortOptions {
  readonly began?: () => void
}

/** A server that stands. */
export interface Served extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  readonly target: LoadTarget
  /** Milliseconds, since the last call. */
  takeHolds(): Promise<readonly number[]>
  /** Resolves at its end with how long it was, milliseconds. */
  stall(forMs: number): Promise<number>
}

/** Bytes of nginx's own page. */
export const page: string = '.'.repeat(615)

/** Connections of HTTP loads, as in the benchmark's questions; and clients of closed loops. */
export const connections = 16

/** The name that the DNS load asks for. */
export const questionName = 'web.example.org'

const loadFolder = join(import.meta.dirname, '../../load')

export async function makeStage({ signal }: AbortOptions): Promise<Stage> {
  const cpus =
    availableParallelism() > 1 && which('taskset') !== undefined
      ? { generator: 1, server: 0 }
      : undefined
  const at = (cpu: number | undefined): readonly string[] =>
    cpu === undefined ? [] : ['taskset', '-c', String(cpu)]
  const held = new ResourceStack()
  const start = (where: readonly string[], args: readonly string[]): ChildChannel => {
    signal.throwIfAborted()
    const [program = '', ...rest] = [...where, process.execPath, ...args]
    return held.use(childChannel(program, rest))
  }
  const channel = start(at(cpus?.generator), [join(loadFolder, 'main.js')])
  const generator = connectLoad([{ node: 'this machine', channel }])
  return {
    generatorPid: await pidOf(channel),
    ...(cpus !== undefined && { cpus }),
    // why: our own programs ask for this priority, so what they are compared with gets it as well
    asGenerator: [
      ...(process.getuid?.() === 0 ? ['nice', '-n', '-10'] : []),
      ...at(cpus?.generator),
    ],
    serve: ({ for: kind, ...behaviour }) =>
      serve(kind, behaviour, (args) => start(at(cpus?.server), args)),
    run: (job, options) => generator.run(job, options),
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  }
}

const serverKinds: Readonly<Record<Kind, KnownBehaviour['kind']>> = {
  http: 'http',
  'http-connect': 'http-closing',
  dns: 'dns',
}

async function serve(
  kind: Kind,
  behaviour: Partial<KnownBehaviour>,
  start: (args: readonly string[]) => ChildChannel,
): Promise<Served> {
  const whole = { kind: serverKinds[kind], page, holdMs: 0, workUs: 0, ...behaviour }
  const channel = start([join(loadFolder, 'known/main.js'), JSON.stringify(whole)])
  const messages = channel.messages[Symbol.asyncIterator]()
  const said = async (field: string): Promise<unknown> => {
    const { value } = (await messages.next()) as { readonly value?: unknown }
    if (typeof value === 'object' && value !== null && field in value)
      return (value as Readonly<Record<string, unknown>>)[field]
    const { stderr } = await channel.exited
    throw new ClusterError('program-failed', `the known server ended: ${stderr.trim()}`)
  }
  const port = Number(await said('port'))
  return {
    pid: await pidOf(channel),
    port,
    target: targetOf(kind, port),
    takeHolds: async () => {
      channel.send({ holds: true })
      return (await said('holdsMs')) as readonly number[]
    },
    stall: async (forMs) => {
      channel.send({ stall: forMs })
      return Number(await said('stalledMs'))
    },
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
  }
}

async function pidOf({ pid, exited }: ChildChannel): Promise<number> {
  if (pid !== undefined) return pid
  const { stderr } = await exited
  throw new ClusterError('program-failed', `a program could not be started: ${stderr.trim()}`)
}

export function targetOf(kind: Kind, port: number): LoadTarget {
  const at = { host: '127.0.0.1', port }
  const expect = { status: 200, bodySha256: createHash('sha256').update(page).digest('hex') }
  const web = { ...at, path: '/', authority: `127.0.0.1:${port}`, expect }
  switch (kind) {
    case 'http':
      return { kind, connections, ...web }
    case 'http-connect':
      return { kind, ...web }
    case 'dns':
      return {
        kind,
        ...at,
        questions: [{ name: questionName, type: 'A' }],
        expect: { rcode: 'NOERROR', minAnswers: 1 },
      }
  }
}

export interface Measuring extends StageRunOptions {
  readonly profile: LoadProfile
  readonly warmupMs?: number
  readonly durationMs: number
  readonly seed: number
}

export interface Measured {
  readonly result: LoadResult
  readonly disturbance: Disturbance
}

/** One trial against a server, and what disturbed it. */
export async function measure(
  stage: Stage,
  { target, pid }: Pick<Served, 'target' | 'pid'>,
  { profile, warmupMs = 200, durationMs, seed, signal, began }: Measuring,
): Promise<Measured> {
  const end = watchDisturbance([stage.generatorPid, pid])
  const result = await stage.run(
    {
      target,
      profile,
      warmupMs,
      durationMs,
      seed,
      ...(began !== undefined && { together: true }),
    },
    { signal, ...(began !== undefined && { began }) },
  )
  return { result, disturbance: end() }
}
