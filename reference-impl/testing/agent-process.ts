/** The agent as a process, as a container runtime would run it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

export interface AgentProcess {
  readonly process: ChildProcess
  /** Log lines so far. */
  readonly lines: readonly string[]
  readonly exited: Promise<number | null>
  /** Milliseconds from its start until `/readyz` said so. */
  ready(withinMs?: number): Promise<number>
  get(path: string): Promise<{ readonly status: number; readonly body: string }>
  rssMib(): number
}

const main = join(import.meta.dirname, '..', 'main.js')

const adminPort = 10_354

export function startAgent(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): AgentProcess {
  const startedAt = performance.now()
  const lines: string[] = []
  // why: tap puts its own loaders into the NODE_OPTIONS of every process; the real agent is started without
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, main, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => lines.push(...text.split('\n').filter((one) => one !== '')))
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const get = async (path: string): Promise<{ status: number; body: string }> => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`)
    return { status: answer.status, body: await answer.text() }
  }
  return {
    process: child,
    lines,
    exited,
    get,
    ready: async (withinMs = 20_000) =>
      await eventually(async () => {
        const { status, body } = await get('/readyz')
        if (status !== 200) throw new Error(`not ready: ${body} ${lines.join('\n')}`)
        return performance.now() - startedAt
      }, withinMs),
    rssMib: () => {
      const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
    },
  }
}
