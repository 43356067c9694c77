import type { NotAnswered } from '../model/probe.ts'

type Failure = Omit<NotAnswered, 'durationMs'>

/** What the operating system's error codes mean to a client. */
const kinds: Readonly<Record<string, NotAnswered['kind']>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timed-out',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  // why: sendmsg(2) says so when netfilter at this position drops a datagram
  EPERM: 'unreachable',
  // why: ICMPv6 'administratively prohibited'; ICMP 'protocol unreachable', 'fragmentation needed'
  EACCES: 'unreachable',
  ENOPROTOOPT: 'unreachable',
  EMSGSIZE: 'unreachable',
  ENOTFOUND: 'name-not-found',
  EAI_NODATA: 'name-not-found',
  EAI_AGAIN: 'name-failure',
  EAI_FAIL: 'name-failure',
}

/**
 * An operating system error as an observation.
 * @throws the error itself when it says nothing about the network: then the probe is broken
 */
export function failureOf(error: unknown): Failure {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  const kind = kinds[code]
  if (kind === undefined || !(error instanceof Error)) throw error
  return { kind, detail: error.message }
}

export const timedOut = (what: string): Failure => ({ kind: 'timed-out', detail: what })

export const closed = (what: string): Failure => ({ kind: 'closed', detail: what })

export const malformed = (what: string): Failure => ({ kind: 'malformed', detail: what })
