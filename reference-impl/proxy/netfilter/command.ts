/** Runs the programs that change the kernel's tables. */
import { spawn } from 'node:child_process'

/** What a program printed and how it ended. */
export interface Output {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A program that changes the kernel could not do it. The message ends with the cure, which `hint` has alone. */
export class NetfilterError extends Error {
  readonly hint: string

  constructor(message: string, hint: string, options: { readonly cause?: unknown } = {}) {
    super(`${message}. ${hint}`, options)
    this.name = 'NetfilterError'
    this.hint = hint
  }
}

/** @throws NetfilterError when the program is not installed */
export async function run(program: string, args: readonly string[], stdin = ''): Promise<Output> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // why: a program that ends early (a syntax error) closes its stdin; its exit code tells the story
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  return await new Promise<Output>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const hint = `Install the package that has ${program} (Debian, Ubuntu: apt-get install nftables iproute2), or fix PATH`
      reject(
        new NetfilterError(`${program} could not be started: ${cause.message}`, hint, { cause }),
      )
    })
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}
