import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApiServer } from '../server.ts'
import type { ApiServer, ApiServerConfig } from '../server.ts'
import { definitions, schema } from './definitions.ts'

/** An answer of the API. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly text: string
  /** The body as JSON; an empty object where it is none. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- why: tests look at whatever the server sent
  readonly json: any
}

export interface CallOptions {
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** A server of its own for one test file, with a kubeconfig that works. */
export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer
  readonly directory: string
  readonly kubeconfig: string
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  /** Opens a watch; its events arrive one by one until it is closed. */
  readonly watch: (path: string, options?: CallOptions) => Promise<TestWatch>
}

/** One watch. */
export interface TestWatch extends Disposable {
  readonly status: number
  /** The next event; undefined when the stream has ended. Fails after 5 s. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- why: tests look at whatever the server sent
  readonly next: () => Promise<any>
}

export const adminToken = 'admin-token'
/** Of the kubelet of node edge-a. */
export const kubeletToken = 'kubelet-token'
const eventTimeoutMs = 5_000

/** Starts a server on a free port of 127.0.0.1. */
export async function startTestServer(config: Partial<ApiServerConfig> = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'meshmark-apiserver-'))
  const tokensFile = join(directory, 'tokens.json')
  await writeFile(
    tokensFile,
    JSON.stringify([
      { token: adminToken, user: 'meshmark-admin', groups: ['system:masters'] },
      { token: kubeletToken, user: 'system:node:edge-a', groups: ['system:nodes'] },
    ]),
  )
  const server = await startApiServer({
    listen: { host: '127.0.0.1', port: 0 },
    pkiDir: join(directory, 'pki'),
    tokensFile,
    serviceCidr: '10.96.0.0/16',
    clusterDomain: 'cluster.local',
    nodePortRange: [30_000, 32_767],
    definitions,
    schema,
    ...config,
  })
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigOf(server))

  const send = (method: string, path: string, options: CallOptions) => {
    const { body, token = adminToken } = options
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
    const content = body === undefined ? undefined : isRaw ? body : JSON.stringify(body)
    const call = request({
      host: '127.0.0.1',
      port: server.port,
      ca: server.ca,
      method,
      path,
      agent: false,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(options.accept !== undefined && { accept: options.accept }),
        ...(content !== undefined && {
          'content-type': options.contentType ?? 'application/json',
          'content-length': String(Buffer.byteLength(content)),
        }),
        ...options.headers,
      },
    })
    call.end(content)
    return call
  }

  return {
    server,
    directory,
    kubeconfig,
    call: (method, path, options = {}) =>
      new Promise((resolve, reject) => {
        const call = send(method, path, options)
        call.on('error', reject)
        call.on('response', (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('error', reject)
          response.on('data', (chunk: string) => (text += chunk))
          response.on('end', () => {
            const status = response.statusCode ?? 0
            resolve({ status, headers: response.headers, text, json: parse(text) })
          })
        })
      }),
    watch: (path, options = {}) =>
      new Promise((resolve, reject) => {
        const call = send('GET', path, options)
        call.on('error', reject)
        call.on('response', (response) => {
          const frames = lines(response)
          resolve({
            status: response.statusCode ?? 0,
            next: async () => await within(nextFrame(frames), path),
            [Symbol.dispose]: () => {
              call.destroy()
            },
          })
        })
      }),
    async [Symbol.asyncDispose]() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function nextFrame(frames: AsyncIterator<string>): Promise<unknown> {
  try {
    const next = await frames.next()
    return next.done === true ? undefined : parse(next.value)
  } catch {
    return undefined
  }
}

async function* lines(stream: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  let text = ''
  for await (const chunk of stream) {
    text += chunk.toString('utf8')
    const parts = text.split('\n')
    text = parts.pop() ?? ''
    yield* parts
  }
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no event of ${what} within ${eventTimeoutMs} ms`))
    }, eventTimeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

function kubeconfigOf(server: ApiServer): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      {
        name: 'test',
        cluster: {
          server: `https://127.0.0.1:${server.port}`,
          'certificate-authority-data': Buffer.from(server.ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'admin', user: { token: adminToken } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
  })
}
