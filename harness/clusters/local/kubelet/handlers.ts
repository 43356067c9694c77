import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { connect } from 'node:net'
import type { ContainerSpec, Handler } from './pod.ts'

/** What a probe or hook came to. */
export interface HandlerResult {
  readonly ok: boolean
  /** As the real kubelet words it: `HTTP probe failed with statuscode: 503`. */
  readonly message: string
}

export interface HandlerTarget {
  readonly address: string
  readonly container: ContainerSpec
  /** Command line words that enter the container. */
  readonly enter: () => readonly string[] | undefined
}

/** Runs an httpGet, tcpSocket, exec or sleep handler against a container, from the node's network. */
export function runHandler(
  handler: Handler,
  target: HandlerTarget,
  timeoutMs: number,
): Promise<HandlerResult> {
  if (handler.exec !== undefined) return execHandler(handler.exec.command, target, timeoutMs)
  if (handler.httpGet !== undefined) return httpHandler(handler.httpGet, target, timeoutMs)
  if (handler.tcpSocket !== undefined) return tcpHandler(handler.tcpSocket, target, timeoutMs)
  const seconds = handler.sleep?.seconds ?? 0
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve({ ok: true, message: '' })
    }, seconds * 1000)
  })
}

function portOf(port: number | string, { container }: HandlerTarget): number {
  if (typeof port === 'number') return port
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port)
}

function httpHandler(
  { path = '/', port, host, scheme = 'HTTP', httpHeaders = [] }: NonNullable<Handler['httpGet']>,
  target: HandlerTarget,
  timeoutMs: number,
): Promise<HandlerResult> {
  const options = {
    host: host ?? target.address,
    port: portOf(port, target),
    path,
    timeout: timeoutMs,
    agent: false,
    headers: {
      'user-agent': 'kube-probe/1.34',
      connection: 'close',
      ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])),
    },
  }
  return new Promise((resolve) => {
    const send = scheme === 'HTTPS' ? tlsRequest : request
    const sent = send({ ...options, rejectUnauthorized: false }, (answer) => {
      answer.resume()
      const { statusCode = 0 } = answer
      const ok = statusCode >= 200 && statusCode < 400
      resolve({ ok, message: ok ? '' : `HTTP probe failed with statuscode: ${statusCode}` })
    })
    sent.on('timeout', () => sent.destroy(new Error('context deadline exceeded')))
    sent.on('error', (error) => {
      resolve({
        ok: false,
        message: `Get "${scheme.toLowerCase()}://${options.host}:${options.port}${path}": ${error.message}`,
      })
    })
    sent.end()
  })
}

function tcpHandler(
  { port, host }: NonNullable<Handler['tcpSocket']>,
  target: HandlerTarget,
  timeoutMs: number,
): Promise<HandlerResult> {
  return new Promise((resolve) => {
    const socket = connect({
      host: host ?? target.address,
      port: portOf(port, target),
      timeout: timeoutMs,
    })
    const done = (ok: boolean, message: string): void => {
      socket.destroy()
      resolve({ ok, message })
    }
    socket.on('connect', () => {
      done(true, '')
    })
    socket.on('timeout', () => {
      done(false, `dial tcp ${host ?? target.address}:${port}: i/o timeout`)
    })
    socket.on('error', (error) => {
      done(false, `dial tcp ${host ?? target.address}:${port}: ${error.message}`)
    })
  })
}

function execHandler(
  words: readonly string[],
  { enter }: HandlerTarget,
  timeoutMs: number,
): Promise<HandlerResult> {
  const into = enter()
  if (into === undefined)
    return Promise.resolve({ ok: false, message: 'the container is not running' })
  const [program = '', ...args] = [...into, ...words]
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', (error) => {
      resolve({ ok: false, message: error.message })
    })
    child.on('close', (code) => {
      resolve({ ok: code === 0, message: code === 0 ? '' : output.trim().slice(0, 1024) })
    })
  })
}
