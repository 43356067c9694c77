/**
 * One DNS question, one JSON line of outcome, for clients in other network namespaces:
 * `node ask.js <address> <port> udp|tcp <name> [type] [time-out in ms]` prints the code and the answers, or the error.
 */
import { askOverTcp, askOverUdp, question, summary } from './dns-client.ts'

const [, , address = '', port = '53', protocol = 'udp', name = '', type = 'A', timeout = '2000'] =
  process.argv
const options = { address, port: Number(port), timeoutMs: Number(timeout) }

try {
  const [reply = Buffer.alloc(0)] =
    protocol === 'tcp'
      ? await askOverTcp([question(name, type)], options)
      : [await askOverUdp(question(name, type), options)]
  print(reply.length === 0 ? ['closed'] : summary(reply))
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  print([code ?? message])
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${JSON.stringify(lines)}\n`)
}
