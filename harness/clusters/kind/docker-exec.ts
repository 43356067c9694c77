import { spawn } from 'node:child_process'
import type { AbortOptions } from '../../model/abort.ts'
import type { ProgramChannel, ProgramExit } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import { messageQueue } from '../message-queue.ts'

/** Characters of stderr that are kept of a program. */
const keptCharacters = 64 * 1024

/**
 * Runs a program in a node's container through Docker, beside the Kubernetes API. Disposing ends its stdin and the
 * connection; Docker kills nothing, so the program must leave when its stdin ends.
 * @throws ClusterError 'program-failed' when docker cannot be started
 */
export async function dockerExec(
  container: string,
  argv: readonly string[],
  { signal }: AbortOptions,
): Promise<ProgramChannel> {
  signal.throwIfAborted()
  const child = spawn('docker', ['exec', '-i', container, ...argv], { stdio: 'pipe' })
  const queue = messageQueue()
  let stderr = ''
  const abort = (): void => {
    child.stdin.destroy()
    child.kill('SIGKILL')
  }
  const exited = new Promise<ProgramExit>((settle) => {
    child.on('close', (code, name) => {
      signal.removeEventListener('abort', abort)
      queue.close()
      settle({ code, signal: name, stderr })
    })
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => {
      reject(
        new ClusterError('program-failed', `docker exec ${container}: ${cause.message}`, {
          hint: 'is docker installed?',
          cause,
        }),
      )
    })
  })
  signal.addEventListener('abort', abort)
  child.stdin.on('error', () => undefined)
  child.stdout.on('data', (chunk: Buffer) => {
    queue.push(chunk)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-keptCharacters)
  })
  return {
    send: (message) => child.stdin.write(`${JSON.stringify(message)}\n`),
    end: () => child.stdin.end(),
    messages: queue.messages,
    exited,
    [Symbol.asyncDispose]: async () => {
      abort()
      await exited
    },
  }
}
