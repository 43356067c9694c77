import { answer, type Exchange } from './exchange.ts'
import { faultRoutes } from './fault-routes.ts'
import { plainAddress } from '../identity.ts'
import { plainRoutes } from './plain-routes.ts'

export interface Route {
  run(exchange: Exchange, parameters: readonly string[]): Promise<void>
  /** Runs before the body is read, and instead of `100 Continue`. */
  readonly early?: boolean
  /** What stood in the places of the path. */
  readonly parameters: readonly string[]
}

/** A path like `/bytes/N`; capitals stand for one segment of digits. */
export type Routes = Readonly<Record<string, Omit<Route, 'parameters'>>>

const routes = Object.entries({ ...plainRoutes, ...faultRoutes }).map(([path, route]) => ({
  pattern: new RegExp(`^${path.replaceAll(/[A-Z]+/g, '(\\d{1,10})')}$`),
  route,
}))

/** The route of a path; every path that has none of its own tells what arrived. */
export function findRoute(path: string): Route {
  for (const { pattern, route } of routes) {
    const [whole, ...parameters] = pattern.exec(path) ?? []
    if (whole !== undefined) return { ...route, parameters }
  }
  return { run: tell, parameters: [] }
}

/** Who answers, and what reached it. */
async function tell(exchange: Exchange): Promise<void> {
  const { record, context, socket } = exchange
  const { identity } = context
  const seen = {
    pod: identity.pod,
    node: identity.node,
    ip: identity.ip ?? plainAddress(socket.localAddress ?? ''),
    port: record.port,
    peer: record.peer,
    connection: record.connection,
    requestOnConnection: record.requestOnConnection,
    head: record.head.toString('base64'),
    bodyBytes: record.bodyBytes,
    bodySha256: record.bodySha256,
    trailers: record.trailers,
  }
  await answer(exchange, 200, `${JSON.stringify(seen)}\n`, [['Content-Type', 'application/json']])
}
