import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Listener } from './arguments.ts'
import { wellBehaved } from './behaviour.ts'
import type { BackendContext, Listening } from './context.ts'
import { dial } from './dial.ts'
import { BehaviourProblem, parseBehaviour } from './parse-behaviour.ts'
import { seen } from './seen.ts'

const longestBodyBytes = 4 * 1024 * 1024

/**
 * What tests ask and order, as JSON over HTTP: `GET /seen`, `POST /reset`, `POST /behave`, `POST /ready {"ready":false}`,
 * `POST /dial {"host":"10.96.0.7","port":81,"times":5}` and `GET /readyz` for the readiness probe. Its own connections are not written down.
 */
export async function controlServer(
  { address, port }: Listener,
  context: BackendContext,
): Promise<Listening> {
  let isReady = true

  const serve = async (request: IncomingMessage, query: URLSearchParams, what: string) => {
    switch (what) {
      case 'GET /seen':
        return [200, seen(context.journal, query)] as const
      case 'GET /readyz':
        return [isReady ? 200 : 503, { ready: isReady }] as const
      case 'POST /reset': {
        const { connections } = fieldsOf(await bodyOf(request), ['connections'])
        context.journal.clear()
        await context.behaviour.set(wellBehaved)
        isReady = true
        if (connections === true) for (const socket of context.sockets) socket.resetAndDestroy()
        return [200, {}] as const
      }
      case 'POST /behave':
        await context.behaviour.set(parseBehaviour(await bodyOf(request), context.behaviour.now))
        return [200, context.behaviour.now] as const
      case 'POST /ready': {
        const { ready } = fieldsOf(await bodyOf(request), ['ready'])
        if (typeof ready !== 'boolean')
          throw new BehaviourProblem(`ready: got ${JSON.stringify(ready)}, want true or false`)
        isReady = ready
        return [200, { ready }] as const
      }
      case 'POST /dial':
        return [200, await dial(fieldsOf(await bodyOf(request), ['host', 'port', 'times']))]
      default:
        return [
          404,
          { error: `${what}: want GET /seen, /readyz; POST /reset, /behave, /ready, /dial` },
        ]
    }
  }

  const server = createServer((request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?')
    serve(request, new URLSearchParams(query), `${request.method ?? ''} ${path}`).then(
      ([status, body]) => {
        send(response, Number(status), body)
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error)
        send(response, error instanceof BehaviourProblem ? 400 : 500, { error: message })
      },
    )
  })
  return listen(server, port, address)
}

function listen(server: Server, port: number, address: string | undefined): Promise<Listening> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(address !== undefined && { host: address }) }, () => {
      const bound = server.address()
      if (bound === null || typeof bound === 'string') reject(new Error('control has no port'))
      else resolve(bound)
    })
  })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body)}\n`)
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > longestBodyBytes)
      throw new BehaviourProblem(`the body has over ${longestBodyBytes} bytes`)
  }
  if (text === '') return {}
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new BehaviourProblem(`the body is no JSON: ${text.slice(0, 80)}`)
  }
}

function fieldsOf(body: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null)
    throw new BehaviourProblem(`got ${JSON.stringify(body)}, want an object`)
  for (const key of Object.keys(body))
    if (!known.includes(key))
      throw new BehaviourProblem(`unknown key ${key}; want ${known.join(', ')}`)
  return { ...body }
}
