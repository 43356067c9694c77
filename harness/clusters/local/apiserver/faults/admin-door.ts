import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { rmSync } from 'node:fs'
import type { ApiFault } from '../../../../model/cluster.ts'
import { badRequest } from '../api-errors.ts'
import { sendFailure, sendText, toApiError } from '../http/answer.ts'
import { parseJson, readBody } from '../http/request-body.ts'
import { isObject } from '../json.ts'
import type { ActiveFault, FaultBoard } from './fault-board.ts'

/**
 * The fault door: plain HTTP on a unix socket.
 *
 * - `POST /faults` with an ApiFault puts it in force and answers `{"id": "1"}`. Faults hit the TCP side only, so that
 *   the harness and the controllers keep working over the unix socket; `"scope": "all"` hits that as well.
 * - `GET /faults` lists what is in force; `DELETE /faults/<id>` heals.
 */
export async function openAdminDoor(path: string, board: FaultBoard): Promise<Server> {
  const server = createServer((request, response) => {
    handle(board, request, response).catch((error: unknown) => {
      sendFailure(response, toApiError(error))
    })
  })
  rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return server
}

async function handle(
  board: FaultBoard,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://admin')
  const id = /^\/faults\/([^/]+)$/.exec(pathname)?.[1]
  if (request.method === 'POST' && pathname === '/faults') {
    const { fault, scope } = parseFault(parseJson((await readBody(request)).toString('utf8')))
    const active = await board.add(fault, scope)
    sendJson(response, 201, { id: active.id })
  } else if (request.method === 'GET' && pathname === '/faults') {
    sendJson(response, 200, board.list())
  } else if (request.method === 'DELETE' && id !== undefined) {
    const isHealed = await board.heal(id)
    sendJson(response, isHealed ? 200 : 404, isHealed ? {} : { message: `no fault ${id}` })
  } else sendJson(response, 404, { message: 'POST /faults, GET /faults or DELETE /faults/<id>' })
}

const plainKinds = ['garbage', 'empty-list', 'cut-watch', 'stalled-watch', 'refuse', 'compact']

function parseFault(value: unknown): {
  readonly fault: ApiFault
  readonly scope: ActiveFault['scope']
} {
  if (!isObject(value)) throw badRequest('want an ApiFault: {"kind": "..."}')
  const { kind, match, delayMs, status, scope } = value
  if (match !== undefined && typeof match !== 'string') throw wrong('match', match, 'a text')
  if (scope !== undefined && scope !== 'tcp' && scope !== 'all') {
    throw wrong('scope', scope, '"tcp" or "all"')
  }
  const shared = { scope: scope ?? 'tcp' } as const
  const narrowed = match === undefined ? {} : { match }
  if (kind === 'latency') {
    if (typeof delayMs !== 'number' || !(delayMs >= 0)) {
      throw wrong('delayMs', delayMs, 'milliseconds, 0 or more')
    }
    return { ...shared, fault: { kind, delayMs, ...narrowed } }
  }
  if (kind === 'status') {
    if (!Number.isInteger(status) || Number(status) < 400 || Number(status) > 599) {
      throw wrong('status', status, 'an HTTP status from 400 to 599')
    }
    return { ...shared, fault: { kind, status: Number(status), ...narrowed } }
  }
  if (typeof kind !== 'string' || !plainKinds.includes(kind)) {
    throw wrong('kind', kind, `one of latency, status, ${plainKinds.join(', ')}`)
  }
  return { ...shared, fault: { kind, ...narrowed } as ApiFault }
}

function wrong(field: string, value: unknown, wanted: string): Error {
  return badRequest(
    `${field}: got ${value === undefined ? 'nothing' : JSON.stringify(value)}, want ${wanted}`,
  )
}

function sendJson(response: ServerResponse, code: number, value: unknown): void {
  sendText(response, code, `${JSON.stringify(value)}\n`, 'application/json')
}
