import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { knownDns } from './dns.ts'
import { knownHttp } from './http.ts'
import type { KnownBehaviour } from './known-server.ts'

/*
 * A known server as a process of its own, so that it shares no event loop with a generator. Its behaviour is its
 * argument, as JSON. It prints `{"port":n}`; `{"stall":ms}` on stdin stalls it and is answered at the end with
 * `{"stalledMs":n}`, `{"holds":true}` with `{"holdsMs":[...]}`. It ends with its stdin.
 */

/** An instrument that waits for a CPU measures its own waiting; only root may ask for this. */
try {
  setPriority(-10)
} catch {
  // why: without it we are as we are, and whoever measures looks at how long we waited
}

const behaviour = JSON.parse(process.argv[2] ?? '') as KnownBehaviour
const server = await (behaviour.kind === 'dns' ? knownDns(behaviour) : knownHttp(behaviour))

function answer(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

async function receive(line: string): Promise<void> {
  const { stall } = JSON.parse(line) as { readonly stall?: number }
  if (stall === undefined) answer({ holdsMs: server.takeHolds() })
  else answer({ stalledMs: await server.stall(stall) })
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  void receive(line)
})
lines.on('close', () => {
  process.exit(0)
})
// why: whoever listened is gone, and so is the reason to be here
process.stdout.on('error', () => {
  process.exit(0)
})
answer({ port: server.port })
