import { hostname } from 'node:os'
import type { AddressInfo } from 'node:net'

/** Which pod this is, by the downward API. */
export interface Identity {
  readonly pod: string
  /** Absent when nobody told; then it is the address that the peer reached. */
  readonly ip: string | undefined
  readonly node: string | undefined
}

/** From POD_NAME, POD_IP and NODE_NAME. */
export function identityFrom(env: NodeJS.ProcessEnv): Identity {
  return {
    pod: env['POD_NAME'] ?? hostname(),
    ip: env['POD_IP'],
    node: env['NODE_NAME'],
  }
}

/** Two ends of a flow as the backend sees them. */
export interface Ends {
  readonly local: AddressInfo | { readonly address: string; readonly port: number }
  readonly peer: string
}

/** `pod=NAME ip=IP port=PORT peer=ADDR:PORT`, with a newline. */
export function identityLine({ pod, ip }: Identity, { local, peer }: Ends): string {
  return `pod=${pod} ip=${ip ?? plainAddress(local.address)} port=${local.port} peer=${peer}\n`
}

/** An IPv4 address that came in by a socket of both families is `::ffff:10.0.0.1`. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}

/** `10.0.0.1:4711`, `[fd00::1]:4711`. */
export function endpoint(address: string | undefined, port: number | undefined): string {
  const plain = plainAddress(address ?? '?')
  return plain.includes(':') ? `[${plain}]:${String(port)}` : `${plain}:${String(port)}`
}
