/**
 * A stand-in for the Kubernetes API: list, watch and bookmarks of a few resources over plain HTTP, and the ways in
 * which an API misbehaves. Not a Kubernetes; the real ones are in agent.netns.test.ts and in the conformance runs.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export interface KubeObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
  }
  readonly [field: string]: unknown
}

export type Misbehaviour =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'garbage' | 'empty-list' | 'hang' | 'reset' }
  | { readonly kind: 'late'; readonly delayMs: number }

interface Event {
  readonly version: number
  readonly type: string
  readonly path: string
  readonly object: object
}

interface Watch {
  readonly path: string
  readonly answer: ServerResponse
  readonly timer: NodeJS.Timeout
}

export class ApiDouble implements AsyncDisposable {
  /** Paths and queries of the requests, in order. */
  readonly requests: string[] = []
  misbehaviour: Misbehaviour | undefined
  /** Only requests whose path contains it misbehave. */
  misbehaviourMatch = ''
  /** What this API has never heard of: paths that begin like one of these get 404. */
  absent: readonly string[] = []
  #server: Server | undefined
  #version = 100
  #oldest = 0
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  readonly #events: Event[] = []
  readonly #watches = new Set<Watch>()
  /** Watches stay open and say nothing. */
  isStalled = false

  async listen(port = 0, host = '127.0.0.1'): Promise<string> {
    const server = createServer((request, answer) => this.#serve(request, answer))
    this.#server = server
    await new Promise<void>((resolve) => {
      server.listen(port, host, resolve)
    })
    const address = server.address()
    return `http://${host}:${typeof address === 'object' && address !== null ? address.port : port}`
  }

  put(path: string, object: KubeObject): void {
    const objects = this.#objects.get(path) ?? new Map<string, KubeObject>()
    this.#objects.set(path, objects)
    const type = objects.has(keyOf(object)) ? 'MODIFIED' : 'ADDED'
    objects.set(keyOf(object), object)
    this.#emit(type, path, object)
  }

  delete(path: string, key: string): void {
    const object = this.#objects.get(path)?.get(key)
    if (object === undefined) return
    this.#objects.get(path)?.delete(key)
    this.#emit('DELETED', path, object)
  }

  bookmark(path: string): void {
    this.#emit('BOOKMARK', path, { metadata: {} })
  }

  /** Writes a line to all watches, whatever it is. */
  say(line: string): void {
    for (const { answer } of this.#watches) answer.write(`${line}\n`)
  }

  /** Ends all watches as a broken connection does. */
  cut(): void {
    for (const { answer } of this.#watches) answer.destroy()
  }

  /** The watches of now stay open, but nothing comes through them any more, not even their end. */
  freeze(): void {
    for (const watch of this.#watches) clearTimeout(watch.timer)
    this.#watches.clear()
  }

  /** Forgets old events: watches from before get 410. */
  compact(): void {
    this.#version += 1
    this.#oldest = this.#version
    this.#events.length = 0
  }

  /** Goes away: refused from now on. */
  async close(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
    server.closeAllConnections()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  count(text: string): number {
    return this.requests.filter((one) => one.includes(text)).length
  }

  #emit(type: string, path: string, object: object): void {
    this.#version += 1
    const event = { version: this.#version, type, path, object: this.#stamped(object) }
    this.#events.push(event)
    if (this.isStalled) return
    for (const watch of this.#watches) if (watch.path === path) watch.answer.write(lineOf(event))
  }

  #serve(request: IncomingMessage, answer: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://api')
    this.requests.push(`${url.pathname}${url.search}`)
    const wrong = url.pathname.includes(this.misbehaviourMatch) ? this.misbehaviour : undefined
    if (this.absent.some((path) => url.pathname === path || url.pathname.startsWith(`${path}/`))) {
      answer.writeHead(404).end('404 page not found')
      return
    }
    switch (wrong?.kind) {
      case 'status':
        answer.writeHead(wrong.status).end('{"kind":"Status","message":"as the test says"}')
        return
      case 'garbage':
        answer.writeHead(200).end('<html>not the API</html>')
        return
      case 'reset':
        request.socket.destroy()
        return
      case 'hang':
        return
      case 'late':
        setTimeout(() => this.#answer(url, answer, false), wrong.delayMs)
        return
      case 'empty-list':
      case undefined:
        this.#answer(url, answer, wrong !== undefined)
    }
  }

  #answer(url: URL, answer: ServerResponse, empty: boolean): void {
    if (url.searchParams.get('watch') === 'true') this.#watch(url, answer)
    else this.#list(url, answer, empty)
  }

  #list(url: URL, answer: ServerResponse, empty: boolean): void {
    const all = [...(this.#objects.get(url.pathname)?.values() ?? [])]
    const [collection, name] = [
      url.pathname.replace(/\/[^/]+$/, ''),
      url.pathname.split('/').at(-1),
    ]
    const single = [...(this.#objects.get(collection)?.values() ?? [])].find(
      ({ metadata }) => metadata.name === name,
    )
    if (single !== undefined) {
      answer.writeHead(200).end(JSON.stringify(this.#stamped(single)))
      return
    }
    if (this.#objects.has(collection)) {
      answer.writeHead(404).end('{"kind":"Status","code":404,"message":"not found"}')
      return
    }
    const wanted = url.searchParams.get('fieldSelector')?.replace('metadata.name=', '')
    const found = all.filter(({ metadata }) => wanted === undefined || metadata.name === wanted)
    const limit = Number(url.searchParams.get('limit') ?? found.length)
    const from = Number(url.searchParams.get('continue') ?? 0)
    const page = empty ? [] : found.slice(from, from + limit)
    const next = !empty && from + limit < found.length ? String(from + limit) : undefined
    answer.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        kind: 'List',
        metadata: { resourceVersion: String(this.#version), ...(next && { continue: next }) },
        items: page,
      }),
    )
  }

  #watch(url: URL, answer: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion'))
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.flushHeaders()
    if (from < this.#oldest) {
      answer.end('{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}\n')
      return
    }
    const seconds = Number(url.searchParams.get('timeoutSeconds') ?? 300)
    const timer = setTimeout(() => {
      if (!this.isStalled) answer.end()
    }, seconds * 1000)
    const watch = { path: url.pathname, answer, timer }
    this.#watches.add(watch)
    answer.once('close', () => {
      clearTimeout(timer)
      this.#watches.delete(watch)
    })
    if (this.isStalled) return
    for (const event of this.#events)
      if (event.path === url.pathname && event.version > from) answer.write(lineOf(event))
  }

  #stamped(object: object): object {
    const { metadata } = object as KubeObject
    return { ...object, metadata: { ...metadata, resourceVersion: String(this.#version) } }
  }
}

function lineOf({ type, object }: Event): string {
  return `${JSON.stringify({ type, object })}\n`
}

function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
}

export const paths = {
  services: '/api/v1/services',
  slices: '/apis/discovery.k8s.io/v1/endpointslices',
  namespaces: '/api/v1/namespaces',
  nodes: '/api/v1/nodes',
} as const

export function serviceObject(name: string, clusterIP: string, spec: object = {}): KubeObject {
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      ...spec,
    },
  }
}

export function sliceObject(
  name: string,
  service: string,
  addresses: readonly string[],
): KubeObject {
  return {
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  }
}

/** The objects that any cluster has, and one Service with two endpoints. */
export function smallCluster(api: ApiDouble, node = 'edge-node-a', address = '192.168.50.1'): void {
  api.put(paths.namespaces, { metadata: { name: 'default' } })
  api.put(paths.nodes, {
    metadata: { name: node },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
    status: { addresses: [{ type: 'InternalIP', address }] },
  })
  api.put(paths.services, serviceObject('kubernetes', '10.96.0.1'))
  api.put(paths.services, serviceObject('web', '10.96.0.10'))
  api.put(paths.slices, sliceObject('web-1', 'web', ['10.244.1.7', '10.244.1.8']))
}
