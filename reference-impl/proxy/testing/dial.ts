/**
 * One connection or datagram, one line of outcome: `node dial.js tcp|udp <address> <port> [count] [source port]`.
 * Prints per try the first line of the answer, or `refused`, `reset`, `timeout`, or another error code.
 */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

const [, , protocol = 'tcp', address = '', port = '0', count = '1', sourcePort = '0'] = process.argv
const timeoutMs = 1_500

for (let i = 0; i < Number(count); i += 1) {
  const outcome = await (protocol === 'udp' ? udp() : tcp())
  process.stdout.write(`${outcome}\n`)
}

async function tcp(): Promise<string> {
  return await new Promise<string>((resolve) => {
    const socket = connect({ host: address, port: Number(port), localPort: Number(sourcePort) })
    const done = (outcome: string): void => {
      socket.destroy()
      resolve(outcome)
    }
    socket.setTimeout(timeoutMs, () => done('timeout'))
    socket.once('data', (bytes: Buffer) => done(bytes.toString().split('\n')[0] ?? ''))
    socket.once('end', () => done('closed'))
    socket.once('error', (error: NodeJS.ErrnoException) => done(named(error)))
  })
}

async function udp(): Promise<string> {
  return await new Promise<string>((resolve) => {
    const socket = createSocket('udp4')
    const timer = setTimeout(() => done('timeout'), timeoutMs)
    const done = (outcome: string): void => {
      clearTimeout(timer)
      socket.close()
      resolve(outcome)
    }
    socket.once('message', (bytes) => done(bytes.toString()))
    socket.once('error', (error: NodeJS.ErrnoException) => done(named(error)))
    socket.bind(Number(sourcePort), () => {
      socket.connect(Number(port), address, (error?: Error | null) => {
        if (error !== undefined && error !== null) done(named(error))
        else socket.send('hello')
      })
    })
  })
}

function named(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'refused'
  if (error.code === 'ECONNRESET') return 'reset'
  return error.code ?? error.message
}
