import { connect, type Socket } from 'node:net'
import type { AbortOptions } from '../../../model/abort.ts'
import type { ProgramChannel, ProgramExit } from '../../../model/cluster.ts'
import { ClusterError } from '../../../model/errors.ts'
import type { ControlRequest, ExecRequest } from './config.ts'
import { type Frame, frameDecoder } from './frames.ts'
import { messageQueue } from '../../message-queue.ts'

/** What a `control` frame says. */
export interface Control {
  readonly error?: string
  readonly pid?: number
  readonly applied?: boolean
  readonly healed?: boolean
  readonly code?: number | null
  readonly signal?: string | null
}

/** Characters of stderr that are kept of a program. */
const keptCharacters = 64 * 1024

/** Connects to the sandbox' door and asks for something. */
export function ask(path: string, request: ControlRequest): Socket {
  const socket = connect({ path, allowHalfOpen: true })
  socket.write(`${JSON.stringify(request)}\n`)
  return socket
}

/**
 * Runs a program in the namespaces of a node or pod. It dies with the channel, with the signal, and with the harness.
 * @throws ClusterError 'program-failed' when it cannot be started
 */
export async function openChannel(
  path: string,
  request: ExecRequest,
  { signal }: AbortOptions,
): Promise<ProgramChannel> {
  signal.throwIfAborted()
  const socket = ask(path, { kind: 'exec', exec: request })
  const abort = (): void => {
    socket.destroy()
  }
  signal.addEventListener('abort', abort)
  socket.on('close', () => {
    signal.removeEventListener('abort', abort)
  })
  const queue = messageQueue()
  const what = request.argv.join(' ')
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      reject(signal.aborted ? abortReason(signal) : new ClusterError('program-failed', why))
    }
    let stderr = ''
    let exit: Pick<ProgramExit, 'code' | 'signal'> = { code: null, signal: 'SIGKILL' }
    const onControl = ({ error, pid, code, signal: name }: Control): void => {
      if (error !== undefined) fail(`${what}: ${error}`)
      else if (pid !== undefined) resolve(channel)
      else exit = { code: code ?? null, signal: name ?? null }
    }
    const decode = frameDecoder(({ type, payload }: Frame) => {
      if (type === 'stdout') queue.push(payload)
      else if (type === 'stderr') stderr = (stderr + payload.toString()).slice(-keptCharacters)
      else onControl(JSON.parse(payload.toString()) as Control)
    })
    socket.on('data', decode)
    socket.on('end', () => socket.end())
    socket.on('error', (error) => {
      fail(`${what}: the sandbox cannot be reached: ${error.message}`)
    })
    const exited = new Promise<ProgramExit>((settle) => {
      socket.on('close', () => {
        queue.close()
        settle({ ...exit, stderr })
        fail(`${what}: the connection closed`)
      })
    })
    const channel: ProgramChannel = {
      send: (message) => socket.write(`${JSON.stringify(message)}\n`),
      end: () => socket.end(),
      messages: queue.messages,
      exited,
      [Symbol.asyncDispose]: async () => {
        socket.destroy()
        await exited
      },
    }
  })
}

/** Why a signal was aborted, as an error. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason))
}
