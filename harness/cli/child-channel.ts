import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { ProgramChannel, ProgramExit } from '../model/cluster.ts'

/** A program of this machine. */
export interface ChildChannel extends ProgramChannel {
  /** Undefined when it could not be started: then it has `exited`. */
  readonly pid: number | undefined
}

/** A program of this machine as a channel: what a cluster's `spawn` gives, without a cluster. */
export function childChannel(program: string, args: readonly string[]): ChildChannel {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => undefined)
  // why: a program that is not there ends, too, and says why
  child.on('error', ({ message }) => (stderr += message))
  const exited = new Promise<ProgramExit>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal, stderr })
    })
  })
  return {
    pid: child.pid,
    send: (message) => child.stdin.write(`${JSON.stringify(message)}\n`),
    end: () => child.stdin.end(),
    messages: messages(createInterface({ input: child.stdout })),
    exited,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function* messages(lines: AsyncIterable<string>): AsyncGenerator {
  for await (const line of lines) {
    let message: unknown = line
    try {
      message = JSON.parse(line)
    } catch {
      // why: what does not parse is handed on as text
    }
    yield message
  }
}
