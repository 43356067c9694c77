import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiEnvironment, User } from '../environment.ts'
import type { StaticTokens } from '../auth/tokens.ts'
import type { ServiceAccountTokens } from '../auth/service-account-tokens.ts'
import type { ServedResource } from '../registry.ts'
import type { ResourcePath } from './request-path.ts'
import type { FaultBoard, Side } from '../faults/fault-board.ts'

/** What handlers need beside the storage. */
export interface ServerParts {
  readonly environment: ApiEnvironment
  readonly tokens: StaticTokens
  readonly serviceAccountTokens: ServiceAccountTokens
  readonly faults: FaultBoard
}

/** One request that is authenticated and whose path names a resource that is served. */
export interface ResourceRequest {
  readonly parts: ServerParts
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Where it came in. */
  readonly side: Side
  readonly query: URLSearchParams
  readonly user: User
  readonly path: ResourcePath
  readonly resource: ServedResource
}
