import { WebSocket } from 'ws'
import type { AbortOptions } from '../../model/abort.ts'
import type { ProgramChannel, ProgramExit } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'
import type { TransportInit } from '../kube/transport.ts'
import { messageQueue } from '../message-queue.ts'

/** Which program to run in which container of which pod. */
export interface PodExec {
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly argv: readonly string[]
}

/**
 * Kubernetes' channel protocols, the better one first: v5 can end stdin, v4 cannot
 * (k8s.io/apimachinery/pkg/util/remotecommand).
 */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

/** The first byte of every message. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const

/** Characters of stderr that are kept of a program. */
const keptCharacters = 64 * 1024

/** An idle connection is kept open by proxies on the way when something is sent this often. */
const pingMs = 15_000

/** How the API says that a program ended (metav1.Status). */
interface Status {
  readonly status?: string
  readonly message?: string
  readonly reason?: string
  readonly details?: { readonly causes?: readonly { reason?: string; message?: string }[] }
}

/**
 * Runs a program in a container through the Kubernetes API, as `kubectl exec -i` does. Its channel's end is the end of
 * the program's stdin, and no more: Kubernetes kills nothing, so the program must leave when its stdin ends.
 * @throws ClusterError 'program-failed' when it cannot be started; 'access-denied' when the API forbids it
 */
export async function execInPod(
  access: TransportInit,
  exec: PodExec,
  { signal }: AbortOptions,
): Promise<ProgramChannel> {
  signal.throwIfAborted()
  const socket = open(access, exec)
  const what = `${exec.argv.join(' ')} in ${exec.namespace}/${exec.pod}`
  const abort = (): void => {
    socket.terminate()
  }
  signal.addEventListener('abort', abort)
  const queue = messageQueue()
  const heard = { stderr: '', status: '' }
  const exited = new Promise<ProgramExit>((settle) => {
    socket.on('close', () => {
      signal.removeEventListener('abort', abort)
      queue.close()
      settle(exitOf(heard))
    })
  })
  socket.on('message', (data: Buffer) => {
    const payload = data.subarray(1)
    if (data[0] === channels.stdout) queue.push(payload)
    else if (data[0] === channels.stderr)
      heard.stderr = (heard.stderr + payload.toString()).slice(-keptCharacters)
    else if (data[0] === channels.error) heard.status += payload.toString()
  })
  await opened(socket, what, signal)
  const ping = setInterval(() => {
    socket.ping()
  }, pingMs).unref()
  socket.on('close', () => {
    clearInterval(ping)
  })
  const write = (channel: number, payload: Buffer): void => {
    if (socket.readyState === WebSocket.OPEN)
      socket.send(Buffer.concat([Buffer.from([channel]), payload]))
  }
  return {
    send: (message) => {
      write(channels.stdin, Buffer.from(`${JSON.stringify(message)}\n`))
    },
    end: () => {
      if (socket.protocol === protocols[0]) write(channels.close, Buffer.from([channels.stdin]))
    },
    messages: queue.messages,
    exited,
    [Symbol.asyncDispose]: async () => {
      socket.terminate()
      await exited
    },
  }
}

function open(access: TransportInit, { namespace, pod, container, argv }: PodExec): WebSocket {
  const query = new URLSearchParams({ container, stdin: '1', stdout: '1', stderr: '1' })
  for (const word of argv) query.append('command', word)
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query.toString()}`
  const { server, ca, token, clientCertificate } = access
  return new WebSocket(server.replace(/^http/, 'ws').replace(/\/$/, '') + path, protocols, {
    perMessageDeflate: false,
    ...(ca !== undefined && { ca }),
    ...(clientCertificate !== undefined && {
      cert: clientCertificate.certificate,
      key: clientCertificate.key,
    }),
    headers: {
      'user-agent': access.userAgent ?? 'meshmark',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  })
}

/** Resolves when the API agreed to the protocol; the reason of a refusal is in the body of its answer. */
function opened(socket: WebSocket, what: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (code: 'program-failed' | 'access-denied', why: string): void => {
      const reason: unknown = signal.reason
      if (!signal.aborted) reject(new ClusterError(code, `${what}: ${why}`))
      else reject(reason instanceof Error ? reason : new Error(String(reason)))
    }
    socket.on('open', resolve)
    socket.on('error', (error) => {
      fail('program-failed', `the API cannot be reached: ${error.message}`)
    })
    socket.on('unexpected-response', (request, answer) => {
      const { statusCode = 0 } = answer
      let body = ''
      answer.setEncoding('utf8').on('data', (text: string) => (body += text))
      answer.on('close', () => {
        const isDenied = statusCode === 401 || statusCode === 403
        fail(isDenied ? 'access-denied' : 'program-failed', messageOf(body, statusCode))
        request.destroy()
        socket.terminate()
      })
    })
  })
}

function messageOf(body: string, statusCode: number): string {
  const { message } = parsed(body)
  return message ?? `HTTP ${statusCode}: ${body.slice(0, 200).trim()}`
}

/** A connection that broke says nothing about the program; it is told as killed. */
function exitOf({ stderr, status }: { stderr: string; status: string }): ProgramExit {
  const said = parsed(status)
  if (said.status === 'Success') return { code: 0, signal: null, stderr }
  const code = said.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  if (code !== undefined) return { code: Number(code), signal: null, stderr }
  return { code: null, signal: 'SIGKILL', stderr: stderr + (said.message ?? '') }
}

function parsed(text: string): Status {
  try {
    return JSON.parse(text) as Status
  } catch {
    return {}
  }
}
