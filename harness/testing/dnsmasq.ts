import { spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'

/** A real dnsmasq on a port of 127.0.0.1, for tests. */
export interface TestDnsmasq extends AsyncDisposable {
  readonly port: number
}

/** Why there is no dnsmasq to test with, as a reason to skip; false when there is one. */
export function cannotRunDnsmasq(): string | false {
  return spawnSync('dnsmasq', ['--version']).status === 0 ? false : 'no dnsmasq here'
}

/** Starts dnsmasq with these options besides the ones that keep it to itself; `.test` names are its own. */
export async function startDnsmasq(options: readonly string[]): Promise<TestDnsmasq> {
  const port = await freeUdpPort()
  const own = [
    ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user='],
    ...[`--port=${port}`, '--listen-address=127.0.0.1', '--bind-interfaces', '--pid-file='],
    ...['--local=/test/', '--dns-forward-max=10000'],
  ]
  const child = spawn('dnsmasq', [...own, ...options], { stdio: 'ignore' })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  const deadline = performance.now() + 10_000
  while (!(await answers(port)))
    if (performance.now() > deadline) throw new Error(`dnsmasq does not answer on ${port}`)
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await gone
    },
  }
}

/** A UDP port that nobody had a moment ago. */
export function freeUdpPort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address()
      socket.close(() => {
        resolve(port)
      })
    })
  })
}

/** Whether anything comes back to a query for the root. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const finish = (found: boolean): void => {
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.close()
      resolve(found)
    }
    const timer = setTimeout(finish, 50, false)
    socket.on('message', () => {
      finish(true)
    })
    socket.on('error', () => undefined)
    socket.send(Buffer.from('000001000001000000000000000002' + '0001', 'hex'), port, '127.0.0.1')
  })
}
