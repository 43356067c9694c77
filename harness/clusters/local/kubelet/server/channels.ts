import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'

/** The streams of one exec or attach: Kubernetes' remote command protocol, v4 and v5, over one WebSocket. */
export interface Channels {
  write(stream: 'stdout' | 'stderr', chunk: Buffer): void
  /** Says how the command ended and closes. */
  finish(exitCode: number, words: readonly string[]): void
  /** Says that it could not be run, and closes. */
  fail(message: string): void
  onStdin(listener: (chunk: Buffer) => void): void
  onStdinEnd(listener: () => void): void
  onResize(listener: (columns: number, rows: number) => void): void
  onClose(listener: () => void): void
}

/** Every message begins with the number of its channel. */
const numbers = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const

/** v5 alone can end stdin while the rest goes on. */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io']

const server = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
})

export function openChannels(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  then: (channels: Channels) => void,
): void {
  server.handleUpgrade(request, socket, head, (webSocket) => {
    then(channelsOf(webSocket))
  })
}

function channelsOf(socket: WebSocket): Channels {
  const on = new Map<number, (payload: Buffer) => void>()
  const send = (channel: number, payload: Buffer): void => {
    if (socket.readyState === socket.OPEN)
      socket.send(Buffer.concat([Buffer.from([channel]), payload]))
  }
  const close = (status: object): void => {
    send(numbers.status, Buffer.from(JSON.stringify({ metadata: {}, ...status })))
    socket.close(1000)
  }
  socket.on('error', () => undefined)
  socket.on('message', (data: Buffer) => {
    const [channel] = data
    if (channel !== undefined) on.get(channel)?.(data.subarray(1))
  })
  return {
    write: (stream, chunk) => {
      send(numbers[stream], chunk)
    },
    finish: (exitCode, words) => {
      close(exitCode === 0 ? { status: 'Success' } : failure(exitCode, words))
    },
    fail: (message) => {
      close({ status: 'Failure', reason: 'InternalError', message, code: 500 })
    },
    onStdin: (listener) => on.set(numbers.stdin, listener),
    onStdinEnd: (listener) =>
      on.set(numbers.close, ([channel]) => {
        if (channel === numbers.stdin) listener()
      }),
    onResize: (listener) =>
      on.set(numbers.resize, (payload) => {
        const { Width, Height } = sizeOf(payload)
        if (Width > 0 && Height > 0) listener(Width, Height)
      }),
    onClose: (listener) => {
      socket.on('close', listener)
    },
  }
}

/** How Kubernetes tells an exit code: a Status whose cause kubectl reads. */
function failure(exitCode: number, words: readonly string[]): object {
  return {
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: error executing command [${words.join(' ')}], exit code ${exitCode}`,
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  }
}

function sizeOf(payload: Buffer): { readonly Width: number; readonly Height: number } {
  try {
    const { Width = 0, Height = 0 } = JSON.parse(payload.toString()) as Record<string, number>
    return { Width, Height }
  } catch {
    return { Width: 0, Height: 0 }
  }
}
