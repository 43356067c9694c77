import { request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerSpec, Handler, HttpGet } from '../pod/pod.ts'
import type { Container } from './container.ts'
import { execIn } from './exec.ts'

/** What a probe or hook came to. `message` is worded as the real kubelet words it. */
export interface HandlerResult {
  readonly ok: boolean
  readonly message: string
}

export interface HandlerTarget {
  /** The pod's address. */
  readonly address: string
  readonly spec: ContainerSpec
  readonly container: Container
}

/** Longest output of an exec probe that an event quotes. */
const quotedCharacters = 1024

/** Runs an httpGet, tcpSocket, exec or sleep handler against a container, from the node's network. */
export function runHandler(
  handler: Handler,
  target: HandlerTarget,
  timeoutMs: number,
): Promise<HandlerResult> {
  if (handler.exec !== undefined) return execHandler(handler.exec.command, target, timeoutMs)
  if (handler.httpGet !== undefined) return httpHandler(handler.httpGet, target, timeoutMs)
  if (handler.tcpSocket !== undefined) return tcpHandler(handler.tcpSocket, target, timeoutMs)
  if (handler.sleep !== undefined) return sleepHandler(handler.sleep.seconds, timeoutMs)
  return Promise.resolve({
    ok: false,
    message: `provider local knows the handlers exec, httpGet, tcpSocket and sleep, not ${Object.keys(handler).join(', ')}`,
  })
}

async function sleepHandler(seconds: number, timeoutMs: number): Promise<HandlerResult> {
  await delay(Math.min(seconds * 1000, timeoutMs))
  return { ok: true, message: '' }
}

function portOf(port: number | string, { spec }: HandlerTarget): number {
  if (typeof port === 'number') return port
  return spec.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port)
}

async function httpHandler(
  { path = '/', port, host, scheme = 'HTTP', httpHeaders = [] }: HttpGet,
  target: HandlerTarget,
  timeoutMs: number,
): Promise<HandlerResult> {
  // why: most pods are probed without TLS, and loading it costs every kubelet's start
  const send = scheme === 'HTTPS' ? (await import('node:https')).request : request
  const address = host ?? target.address
  const at = path.startsWith('/') ? path : `/${path}`
  const url = `${scheme.toLowerCase()}://${address}:${portOf(port, target)}${at}`
  const options = {
    host: address,
    port: portOf(port, target),
    path: at,
    agent: false,
    rejectUnauthorized: false,
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      'user-agent': 'kube-probe/1.34',
      accept: '*/*',
      connection: 'close',
      ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])),
    },
  }
  return new Promise((resolve) => {
    const sent = send(options, ({ statusCode = 0 }) => {
      sent.destroy()
      const ok = statusCode >= 200 && statusCode < 400
      resolve({ ok, message: ok ? '' : `HTTP probe failed with statuscode: ${statusCode}` })
    })
    sent.on('error', (error) => {
      const why =
        error.name === 'AbortError' || error.name === 'TimeoutError'
          ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
          : dialError(error, address, portOf(port, target))
      resolve({ ok: false, message: `Get "${url}": ${why}` })
    })
    sent.end()
  })
}

function tcpHandler(
  { port, host }: NonNullable<Handler['tcpSocket']>,
  target: HandlerTarget,
  timeoutMs: number,
): Promise<HandlerResult> {
  const address = host ?? target.address
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: portOf(port, target), timeout: timeoutMs })
    const done = (ok: boolean, message: string): void => {
      socket.destroy()
      resolve({ ok, message })
    }
    socket.on('connect', () => {
      done(true, '')
    })
    socket.on('timeout', () => {
      done(false, `dial tcp ${address}:${portOf(port, target)}: i/o timeout`)
    })
    socket.on('error', (error) => {
      done(false, dialError(error, address, portOf(port, target)))
    })
  })
}

/** `connect ECONNREFUSED 10.244.1.2:80` in Go's words. */
function dialError(error: NodeJS.ErrnoException, address: string, port: number): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'i/o timeout',
  }
  const known = words[error.code ?? '']
  return known === undefined ? error.message : `dial tcp ${address}:${port}: ${known}`
}

function execHandler(
  words: readonly string[],
  { container }: HandlerTarget,
  timeoutMs: number,
): Promise<HandlerResult> {
  const child = execIn(container, { words })
  if (child === undefined)
    return Promise.resolve({ ok: false, message: 'the container is not running' })
  child.stdin?.on('error', () => undefined).end()
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(0, quotedCharacters)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      const [first = ''] = words
      resolve({ ok: false, message: `command "${first}" timed out` })
    }, timeoutMs)
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ ok: false, message: error.message })
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ ok: code === 0, message: code === 0 ? '' : output.trim() })
    })
  })
}
