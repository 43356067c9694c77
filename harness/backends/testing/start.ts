import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'

/** A backend program that runs, and what tests do with it. */
export interface Running {
  readonly ports: Readonly<Record<string, number>>
  readonly kill: (signal: NodeJS.Signals) => void
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>
  /** Asks control. */
  readonly control: (method: string, path: string, body?: object) => Promise<unknown>
}

/** Starts the program with a free port of this machine for each protocol, and ends it with the test. */
export async function start(
  t: Test,
  names: readonly string[],
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const args = names.flatMap((name) => [`--${name}`, '127.0.0.1:0'])
  const main = join(import.meta.dirname, '..', 'main.js')
  const child = spawn(process.execPath, [main, ...args, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, POD_NAME: 'pod-1', POD_IP: '10.0.0.1', NODE_NAME: 'edge', ...env },
  })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : null))
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([text]) => String(text)),
    exited.then((code) => Promise.reject(new Error(`it exited with ${String(code)}`))),
  ])
  const { listening } = JSON.parse(line) as {
    readonly listening: readonly { readonly protocol: string; readonly port: number }[]
  }
  const ports = Object.fromEntries(listening.map(({ protocol, port }) => [protocol, port]))
  return {
    ports,
    kill: (signal) => child.kill(signal),
    exited,
    control: async (method, path, body) => {
      const url = `http://127.0.0.1:${String(ports['control'])}${path}`
      const init = body === undefined ? {} : { body: JSON.stringify(body) }
      return (await fetch(url, { method, ...init })).json()
    },
  }
}

/** What came back until the peer ended, and how it did. */
export interface Told {
  readonly text: string
  readonly bytes: Buffer
  readonly reset: boolean
}

/** Sends pieces on a new connection, each in its own segment, half-closes unless told not to, and reads to the end. */
export async function say(
  port: number | undefined,
  pieces: readonly (string | Uint8Array)[],
  { halfClose = true }: { readonly halfClose?: boolean } = {},
): Promise<Told> {
  const socket = await opened(port)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const done = new Promise<boolean>((resolve) => {
    socket.on('error', () => {
      resolve(true)
    })
    socket.on('end', () => {
      resolve(false)
    })
  })
  for (const piece of pieces)
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()))
  if (halfClose) socket.end()
  const reset = await done
  socket.destroy()
  const bytes = Buffer.concat(chunks)
  return { text: bytes.toString('latin1'), bytes, reset }
}

export async function opened(port: number | undefined): Promise<Socket> {
  const socket = connect({ port: port ?? 0, host: '127.0.0.1', allowHalfOpen: true })
  socket.setNoDelay(true)
  await once(socket, 'connect')
  return socket
}
