import type { Socket } from 'node:net'
import type { BehaviourState } from './behaviour.ts'
import type { Identity } from './identity.ts'
import type { Journal } from './journal.ts'

/** What all servers of one backend share. */
export interface BackendContext {
  readonly identity: Identity
  readonly journal: Journal
  readonly behaviour: BehaviourState
  /** Open connections of all stream servers. */
  readonly sockets: Set<Socket>
}

/** A server that listens. */
export interface Listening {
  readonly address: string
  readonly port: number
}
