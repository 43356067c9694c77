import { createServer, type ServerResponse } from 'node:http'
import { exposition, type Metric } from './exposition.ts'

export interface AdminInit {
  readonly address: string
  /** 0 lets the system choose. */
  readonly port: number
  readonly version: string
  /** What readiness depends on, by name. Ready when all are true. */
  readonly conditions: () => Readonly<Record<string, boolean>>
  readonly metrics: () => Promise<readonly Metric[]>
}

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

/** /healthz /readyz /metrics /version; nothing that changes anything. @throws Error when the address cannot be bound */
export async function serveAdmin(init: AdminInit): Promise<AdminServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://agent')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(response, 405, 'only GET and HEAD\n')
      return
    }
    answerTo(pathname, init, response).catch((error: unknown) => {
      answer(response, 500, `${String(error)}\n`)
    })
  })
  server.keepAliveTimeout = 30_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(init.port, init.address, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', () => undefined)
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : init.port,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      server.closeAllConnections()
      await closed
    },
  }
}

async function answerTo(path: string, init: AdminInit, response: ServerResponse): Promise<void> {
  switch (path) {
    case '/healthz':
    case '/livez':
      answer(response, 200, 'ok\n')
      return
    case '/readyz': {
      const conditions = Object.entries(init.conditions())
      const lines = conditions.map(([name, holds]) => `[${holds ? '+' : '-'}] ${name}\n`)
      answer(response, conditions.every(([, holds]) => holds) ? 200 : 503, lines.join(''))
      return
    }
    case '/metrics':
      answer(
        response,
        200,
        exposition(await init.metrics()),
        'text/plain; version=0.0.4; charset=utf-8',
      )
      return
    case '/version':
      answer(response, 200, `${JSON.stringify({ version: init.version })}\n`, 'application/json')
      return
    default:
      answer(response, 404, '/healthz /readyz /metrics /version\n')
  }
}

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
