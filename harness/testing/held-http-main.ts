import { createInterface } from 'node:readline'
import { startHeldServer } from './held-http.ts'

/*
 * The held server as a process of its own, so that it does not share an event loop with the generator: takes page and
 * hold time as arguments, prints its port; `stall N` on stdin stalls it, `holds` prints the hold times. Ends with stdin.
 */
const [page = '', holdMs = '0'] = process.argv.slice(2)
const server = await startHeldServer(page, Number(holdMs))
process.stdout.write(`${server.port}\n`)
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const [word, forMs] = line.split(' ')
  if (word === 'stall') server.stall(Number(forMs))
  else process.stdout.write(`${JSON.stringify(server.holdsMs)}\n`)
})
lines.on('close', () => {
  process.exit(0)
})
