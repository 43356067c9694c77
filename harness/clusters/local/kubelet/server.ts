import { spawn } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import { WebSocketServer, type WebSocket } from 'ws'
import type { KubeletConfig } from './config.ts'
import type { PodWorker } from './pod-worker.ts'

/**
 * The kubelet's own server, for the API server: `/containerLogs/<namespace>/<pod>/<container>` and
 * `/exec/<namespace>/<pod>/<container>` with Kubernetes' channel protocol over WebSocket. Plain HTTP in a network of
 * the sandbox; the bearer token is the kubelet's own, which the API server knows.
 */
export function serveKubelet(
  config: KubeletConfig,
  workers: ReadonlyMap<string, PodWorker>,
): Promise<void> {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => {
      for (const protocol of ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io'])
        if (offered.has(protocol)) return protocol
      return false
    },
  })
  const server = createServer((request, response) => {
    if (!isAuthorized(request, config)) {
      response.writeHead(401).end('Unauthorized\n')
      return
    }
    serve(request, response, workers)
  })
  server.on('upgrade', (request, socket, head) => {
    const url = urlOf(request)
    const [, verb, namespace = '', pod = '', container = ''] = url.pathname
      .split('/')
      .map(decodeURIComponent)
    if (!isAuthorized(request, config) || verb !== 'exec') {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (channel) => {
      exec(channel, find(workers, namespace, pod)?.enter(container), url.searchParams)
    })
  })
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(config.port, config.nodeAddress, () => {
      resolve()
    })
  })
}

function isAuthorized(request: IncomingMessage, { token }: KubeletConfig): boolean {
  return request.headers.authorization === `Bearer ${token}`
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://kubelet')
}

function find(
  workers: ReadonlyMap<string, PodWorker>,
  namespace: string,
  name: string,
): PodWorker | undefined {
  return [...workers.values()].find(
    ({ pod }) => pod.metadata.namespace === namespace && pod.metadata.name === name,
  )
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  workers: ReadonlyMap<string, PodWorker>,
): void {
  const url = urlOf(request)
  const [, verb, namespace = '', pod = '', container = ''] = url.pathname
    .split('/')
    .map(decodeURIComponent)
  if (verb === 'healthz') response.end('ok')
  else if (verb === 'pods')
    response.end(JSON.stringify([...workers.values()].map((worker) => worker.pod)))
  else if (verb === 'containerLogs')
    void logs(find(workers, namespace, pod), container, url.searchParams, response)
  else response.writeHead(404).end('404 page not found\n')
}

async function logs(
  worker: PodWorker | undefined,
  container: string,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const state = worker?.states.find(({ spec }) => spec.name === container)
  const previous = query.get('previous') === 'true'
  const log = previous ? state?.logs.at(-2) : state?.logs.at(-1)
  if (state === undefined || log === undefined) {
    const which = previous ? 'previous terminated container' : 'container'
    response
      .writeHead(400)
      .end(`${which} "${container}" in pod is ${previous ? 'not found' : 'waiting to start'}`)
    return
  }
  const timestamps = query.get('timestamps') === 'true'
  const since = sinceOf(query)
  const show = (line: string): string | undefined => {
    const [time = ''] = line.split(' ', 1)
    if (since !== undefined && Date.parse(time) < since) return undefined
    const text = line.slice(line.indexOf(' F ') + 3)
    return timestamps ? `${time} ${text}` : text
  }
  response.writeHead(200, { 'content-type': 'text/plain' })
  const held: string[] = []
  let isFollowing = false
  const put = (line: string): void => {
    const text = show(line)
    if (text !== undefined) response.write(text)
  }
  const stop = log.onLine((line) => {
    if (isFollowing) put(line)
    else held.push(line)
  })
  response.on('close', stop)
  for (const line of await existing(log.path, query)) put(`${line}\n`)
  held.length = 0
  isFollowing = true
  if (query.get('follow') !== 'true' || state.phase.kind !== 'running' || previous) {
    response.end()
    return
  }
  await state.phase.container.exited
  response.end()
}

function sinceOf(query: URLSearchParams): number | undefined {
  const seconds = query.get('sinceSeconds')
  if (seconds !== null) return Date.now() - Number(seconds) * 1000
  const time = query.get('sinceTime')
  return time === null ? undefined : Date.parse(time)
}

async function existing(path: string, query: URLSearchParams): Promise<readonly string[]> {
  if (!existsSync(path)) return []
  const lines: string[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) lines.push(line)
  const tail = query.get('tailLines')
  if (tail === null || Number(tail) < 0) return lines
  return Number(tail) === 0 ? [] : lines.slice(-Number(tail))
}

const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const

/** Runs a command in a container; streams are channels of one WebSocket, each message starting with its number. */
function exec(
  socket: WebSocket,
  enter: readonly string[] | undefined,
  query: URLSearchParams,
): void {
  const finish = (status: object): void => {
    socket.send(
      Buffer.concat([Buffer.from([channels.status]), Buffer.from(JSON.stringify(status))]),
    )
    socket.close(1000)
  }
  if (enter === undefined) {
    finish({
      metadata: {},
      status: 'Failure',
      reason: 'InternalError',
      message: 'container not running',
      code: 500,
    })
    return
  }
  const words = query.getAll('command')
  const tty = isTrue(query.get('tty'))
  // why: script(1) is on every Debian and gives the command a terminal of its own
  const argv = tty ? ['script', '-qefc', words.map(quote).join(' '), '/dev/null'] : words
  const [program = '', ...args] = [...enter, ...argv]
  const child = spawn(program, args, {
    stdio: 'pipe',
    env: { ...process.env, TERM: 'xterm', HOME: '/root' },
  })
  const send = (channel: number) => (chunk: Buffer) => {
    if (socket.readyState === socket.OPEN)
      socket.send(Buffer.concat([Buffer.from([channel]), chunk]))
  }
  child.stdout.on('data', send(channels.stdout))
  child.stderr.on('data', send(channels.stderr))
  child.stdin.on('error', () => undefined)
  if (!isTrue(query.get('input')) && !isTrue(query.get('stdin'))) child.stdin.end()
  socket.on('message', (data: Buffer) => {
    if (data[0] === channels.stdin) child.stdin.write(data.subarray(1))
    if (data[0] === channels.close) child.stdin.end()
  })
  socket.on('close', () => child.kill('SIGKILL'))
  child.on('error', (error) => {
    finish({
      metadata: {},
      status: 'Failure',
      reason: 'InternalError',
      message: error.message,
      code: 500,
    })
  })
  child.on('close', (code) => {
    finish(exitStatus(code ?? 137, words))
  })
}

/** How Kubernetes tells an exit code: a Status whose cause kubectl reads. */
function exitStatus(code: number, words: readonly string[]): object {
  if (code === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: ${words.join(' ')} ended with ${code}`,
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  }
}

function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1'
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
