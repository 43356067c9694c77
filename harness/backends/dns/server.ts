import type { Listener } from '../arguments.ts'
import type { BackendContext, Listening } from '../context.ts'

export async function dnsServer(_l: Listener, _c: BackendContext): Promise<Listening> {
  throw new Error('dns: not built yet')
}
